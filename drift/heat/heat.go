package heat

import (
	"fmt"
	"math"
	"time"
)

// Settings say when something is hot. The zero value is Defaults.
type Settings struct {
	// HalfLife is the time in which heat falls to a half.
	HalfLife time.Duration
	// Threshold is the heat from which on something is hot: a number of times.
	Threshold int
}

// Bounds of the settings. A threshold far above what a person does by hand
// would only let two programs fight for longer.
const (
	minHalfLife  = time.Second
	maxHalfLife  = 30 * 24 * time.Hour
	maxThreshold = 20
)

// Defaults let a person change something a few times within half an hour, and
// stop two programs after as many rounds.
func Defaults() Settings { return Settings{HalfLife: 30 * time.Minute, Threshold: 3} }

// Check tells what is wrong with the settings.
func (s Settings) Check() error {
	if s.HalfLife != 0 && (s.HalfLife < minHalfLife || s.HalfLife > maxHalfLife) {
		return fmt.Errorf("the half-life %s is not from %s to %s", s.HalfLife, minHalfLife, maxHalfLife)
	}
	if s.Threshold < 0 || s.Threshold > maxThreshold {
		return fmt.Errorf("the threshold %d is not from 1 to %d", s.Threshold, maxThreshold)
	}
	return nil
}

func (s Settings) filled() Settings {
	if s.HalfLife == 0 {
		s.HalfLife = Defaults().HalfLife
	}
	if s.Threshold == 0 {
		s.Threshold = Defaults().Threshold
	}
	return s
}

// hot is the heat from which on something is hot: as many times in a row as the
// threshold says, though the first of them are a little cooler by the last.
func (s Settings) hot() float64 { return float64(s.Threshold) - 0.6 }

// cool is the heat under which what was hot is so no longer.
func (s Settings) cool() float64 { return float64(s.Threshold) / 2 }

// ceiling bounds heat, so that something is cool two half-lives after its last
// time, however often it was counted.
func (s Settings) ceiling() float64 { return float64(s.Threshold) * 2 }

// MaxReadings bounds what a meter remembers.
const MaxReadings = 10_000

// negligible is heat that is forgotten.
const negligible = 1.0 / 64

// Meter measures many things. It may be used by one goroutine at a time.
type Meter[K comparable] struct {
	settings Settings
	readings map[K]reading
}

type reading struct {
	heat float64
	at   time.Time
	// until is when something hot is so no longer; zero where it is not hot.
	until time.Time
}

// New makes a meter that has seen nothing.
func New[K comparable](s Settings) *Meter[K] {
	return &Meter[K]{settings: s.filled(), readings: map[K]reading{}}
}

// Add counts one time, and tells whether k is hot now. A clock that goes back
// stands still.
func (m *Meter[K]) Add(k K, at time.Time) (hot bool) {
	r, known := m.readings[k]
	if !known && len(m.readings) >= MaxReadings {
		m.makeRoom(at)
	}
	hot = r.until.After(at)
	r.heat = min(m.heat(r, at)+1, m.settings.ceiling())
	if r.at.Before(at) {
		r.at = at
	}
	if hot = hot || r.heat >= m.settings.hot(); hot {
		r.until = m.coolsAt(r)
	}
	m.readings[k] = r
	return hot
}

// Restore takes in that k is hot until then: what another meter told.
func (m *Meter[K]) Restore(k K, until, now time.Time) {
	left := until.Sub(now)
	if left <= 0 {
		return
	}
	if len(m.readings) >= MaxReadings {
		m.makeRoom(now)
	}
	heat := m.settings.cool() * math.Exp2(float64(left)/float64(m.settings.HalfLife))
	r := reading{heat: min(heat, m.settings.ceiling()), at: now, until: until}
	if r.heat < heat {
		r.until = m.coolsAt(r) // the settings have changed since
	}
	m.readings[k] = r
}

// Heat is that of k; 0 for what was never counted.
func (m *Meter[K]) Heat(k K, at time.Time) float64 { return m.heat(m.readings[k], at) }

func (m *Meter[K]) heat(r reading, at time.Time) float64 {
	passed := max(at.Sub(r.at), 0)
	return r.heat * math.Exp2(-float64(passed)/float64(m.settings.HalfLife))
}

func (m *Meter[K]) coolsAt(r reading) time.Time {
	return r.at.Add(time.Duration(math.Log2(r.heat/m.settings.cool()) * float64(m.settings.HalfLife)))
}

// Hot tells until when k is hot; ok is false where it is not.
func (m *Meter[K]) Hot(k K, at time.Time) (until time.Time, ok bool) {
	r := m.readings[k]
	return r.until, r.until.After(at)
}

// Forget has k as if it was never counted.
func (m *Meter[K]) Forget(k K) { delete(m.readings, k) }

// Cool forgets what is as good as cold.
func (m *Meter[K]) Cool(at time.Time) {
	for k, r := range m.readings {
		if !r.until.After(at) && m.heat(r, at) < negligible {
			delete(m.readings, k)
		}
	}
}

// Len is the number of things that are remembered.
func (m *Meter[K]) Len() int { return len(m.readings) }

// makeRoom forgets what is cold, or else the coldest.
func (m *Meter[K]) makeRoom(at time.Time) {
	if m.Cool(at); len(m.readings) < MaxReadings {
		return
	}
	var coldest K
	least := math.Inf(1)
	for k, r := range m.readings {
		if heat := m.heat(r, at); heat < least {
			coldest, least = k, heat
		}
	}
	delete(m.readings, coldest)
}
