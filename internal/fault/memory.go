package fault

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"
)

// Who asks a server is told its last failure again for this long, twice as long
// after each.
const (
	shortestBackoff = 5 * time.Second
	longestBackoff  = time.Minute
)

// Memory remembers that a server failed, for the many who want to know the same.
// The zero value remembers nothing, and so does nil. It may be used by several
// goroutines.
type Memory struct {
	mu       sync.Mutex
	err      error // nil: the last question was answered
	with     any   // what it was asked with
	until    time.Time
	failures int
}

// Last is the failure that is to be told in place of asking with these
// credentials now.
func (m *Memory) Last(with any, now time.Time) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil || !now.Before(m.until) || !reflect.DeepEqual(m.with, with) {
		return nil
	}
	return m.err
}

// Failing is the failure of the last question, however long ago it was.
func (m *Memory) Failing() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Again has the next question asked, whatever came of the last one.
func (m *Memory) Again() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.until = time.Time{}
}

// Note takes in what came of a question, and tells it. One that was called off
// says nothing about the server.
func (m *Memory) Note(with any, now time.Time, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err = err; err == nil {
		m.failures = 0
		return nil
	}
	wait := shortestBackoff
	for range m.failures {
		wait = min(2*wait, longestBackoff)
	}
	m.failures = min(m.failures+1, 10)
	m.with, m.until = with, now.Add(wait)
	return err
}

// maxRemembered bounds the questions to one server whose failures are remembered.
const maxRemembered = 1000

// Memories remembers the failures of a server, and of single questions to it. The
// zero value remembers nothing. It may be used by several goroutines.
type Memories[Q comparable] struct {
	all Memory

	mu   sync.Mutex
	each map[Q]*Memory
}

func (m *Memories[Q]) of(q Q) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.each[q]
}

// Last is Memory.Last for a question.
func (m *Memories[Q]) Last(q Q, with any, now time.Time) error {
	if err := m.all.Last(with, now); err != nil {
		return err
	}
	return m.of(q).Last(with, now)
}

// Failing is Memory.Failing for a question.
func (m *Memories[Q]) Failing(q Q) error {
	if err := m.all.Failing(); err != nil {
		return err
	}
	return m.of(q).Failing()
}

// Again is Memory.Again for every question.
func (m *Memories[Q]) Again() {
	m.all.Again()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.each {
		one.Again()
	}
}

// Note is Memory.Note for a question. Of a failure, single says that it tells
// nothing about other questions.
func (m *Memories[Q]) Note(q Q, with any, now time.Time, single bool, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil && !single:
		return m.all.Note(with, now, err)
	}
	_ = m.all.Note(with, now, nil) // the server answered
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		delete(m.each, q)
		return nil
	}
	one := m.each[q]
	if one == nil {
		if m.each == nil || len(m.each) >= maxRemembered {
			m.each = map[Q]*Memory{}
		}
		one = &Memory{}
		m.each[q] = one
	}
	return one.Note(with, now, err)
}
