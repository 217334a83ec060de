package heat

import (
	"math/rand/v2"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func settings() Settings { return Settings{HalfLife: time.Minute, Threshold: 3} }

// TestRounds: how often something at a steady pace is counted before it is
// hot.
func TestRounds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		every time.Duration
		want  int // 0: never
	}{
		"at once":             {0, 3},
		"each second":         {time.Second, 3},
		"each 10 s":           {10 * time.Second, 3},
		"each 30 s":           {30 * time.Second, 4},
		"each half-life":      {time.Minute, 0},
		"now and then":        {10 * time.Minute, 0},
		"a clock that stands": {-time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, got := New[string](settings()), 0
			for n := range 1000 {
				if m.Add("x", noon.Add(time.Duration(n)*tc.every)) {
					got = n + 1
					break
				}
			}
			if got != tc.want {
				t.Errorf("hot after %d times, want %d", got, tc.want)
			}
		})
	}
}

// TestHysteresis: what is hot stays so below the threshold, is not hot at the
// time that was told, and is hot again once it comes back.
func TestHysteresis(t *testing.T) {
	t.Parallel()
	m := New[string](settings())
	for range 3 {
		m.Add("x", noon)
	}
	until, ok := m.Hot("x", noon)
	if want := noon.Add(time.Minute); !ok || !until.Equal(want) {
		t.Fatalf("hot until %s (%v), want %s", until, ok, want)
	}
	if _, ok := m.Hot("x", until.Add(-time.Nanosecond)); !ok {
		t.Error("cold before its time, though above half of the threshold")
	}
	if _, ok := m.Hot("x", until); ok {
		t.Error("hot at the time at which it should be so no longer")
	}
	if !m.Add("x", until) {
		t.Error("not hot again after it came back once")
	}
	if m.Forget("x"); m.Heat("x", until) != 0 || m.Add("x", until) {
		t.Error("what was forgotten is warm")
	}
}

// TestCeiling: however long something goes on, it is cool two half-lives
// later.
func TestCeiling(t *testing.T) {
	t.Parallel()
	m := New[string](settings())
	for range 10_000 {
		m.Add("x", noon)
	}
	if until, _ := m.Hot("x", noon); !until.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("hot until %s", until)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	m := New[string](settings())
	m.Restore("gone by", noon, noon)
	m.Restore("hot", noon.Add(time.Minute), noon)
	m.Restore("of other settings", noon.Add(24*time.Hour), noon)
	if _, ok := m.Hot("gone by", noon); ok || m.Len() != 2 {
		t.Errorf("what is past was restored: %d readings", m.Len())
	}
	if until, _ := m.Hot("hot", noon); !until.Equal(noon.Add(time.Minute)) || m.Heat("hot", noon) != 3 {
		t.Errorf("hot until %s with heat %v", until, m.Heat("hot", noon))
	}
	if until, _ := m.Hot("of other settings", noon); !until.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("of other settings: hot until %s", until)
	}
}

// TestProperties drives a meter at random: heat only falls between two times,
// never exceeds the ceiling, what is hot is at least half the threshold, and
// memory is bounded.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := Settings{HalfLife: time.Second + time.Duration(r.Int64N(int64(time.Hour))), Threshold: 1 + r.IntN(maxThreshold)}
		m, now := New[int](s), noon
		for range 2000 {
			k := r.IntN(20)
			switch r.IntN(4) {
			case 0:
				m.Add(k, now)
			case 1:
				m.Add(k, now.Add(-time.Duration(r.Int64N(int64(s.HalfLife))))) // a clock that went back
			case 2:
				m.Cool(now)
			default:
				now = now.Add(time.Duration(r.Int64N(int64(s.HalfLife))))
			}
			before, later := m.Heat(k, now), now.Add(time.Duration(r.Int64N(int64(s.HalfLife))))
			after := m.Heat(k, later)
			if before < 0 || before > s.ceiling() || after > before {
				t.Fatalf("seed %d: heat %v, later %v", seed, before, after)
			}
			// The time at which it cools is in whole nanoseconds.
			if _, hot := m.Hot(k, now); hot && before < s.cool()*0.999 {
				t.Fatalf("seed %d: hot at %v, under half of %d", seed, before, s.Threshold)
			}
			if _, hot := m.Hot(k, now); !hot && before >= float64(s.Threshold) {
				t.Fatalf("seed %d: not hot at %v of %d", seed, before, s.Threshold)
			}
		}
		if m.Cool(now.Add(1000 * s.HalfLife)); m.Len() != 0 {
			t.Fatalf("seed %d: %d readings are kept for ever", seed, m.Len())
		}
	}
}

// TestMemoryIsBounded: what is hottest is what is kept.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := New[int](settings())
	for range 3 {
		m.Add(-1, noon)
	}
	for k := range MaxReadings + 50 {
		m.Add(k, noon)
	}
	m.Restore(-2, noon.Add(time.Minute), noon)
	if m.Len() != MaxReadings {
		t.Errorf("%d readings, want at most %d", m.Len(), MaxReadings)
	}
	for _, k := range []int{-1, -2} {
		if _, hot := m.Hot(k, noon); !hot {
			t.Errorf("%d is hot, and was forgotten", k)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, s := range []Settings{{}, Defaults(), {HalfLife: time.Second, Threshold: 20}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []Settings{{HalfLife: -1}, {HalfLife: time.Millisecond}, {HalfLife: 1 << 62}, {Threshold: -1}, {Threshold: 21}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}
