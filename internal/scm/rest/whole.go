package rest

import (
	"maps"

	"github.com/trueup-dev/trueup/internal/fault"
)

// readings bounds how often a list is read that changes while it is.
const readings = 4

// Whole reads a list whose pages are counted by number or by position. Where
// an item goes while the pages are read, those behind it move, and one of them
// is on no page; where one comes, another is on two. So a list of more than one
// page is read until two readings in a row hold the same items, told apart by
// id. One that never rests is fault.Transient.
func Whole[T any](id func(T) string, read func(number int) (found []T, more bool, err error)) ([]T, error) {
	var before map[string]bool
	for turn := range readings {
		var out []T
		seen := map[string]bool{}
		pages := 0
		err := Pages(func(number int) (bool, error) {
			found, more, err := read(number)
			pages++
			for _, one := range found {
				if !seen[id(one)] {
					out, seen[id(one)] = append(out, one), true
				}
			}
			return more, err
		})
		if err != nil {
			return nil, err
		}
		if pages == 1 || turn > 0 && maps.Equal(before, seen) {
			return out, nil
		}
		before = seen
	}
	return nil, fault.New(fault.Transient, "the list changed each of the %d times that it was read", readings)
}
