package post

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Thread is the discussion of a pull request, read once.
type Thread struct {
	poster *Poster
	me     Author
	all    []Comment
}

// Read reads the discussion of a pull request.
func (p *Poster) Read(ctx context.Context, pull int64) (Thread, error) {
	me, err := p.me(ctx)
	if err != nil {
		return Thread{}, err
	}
	all, err := p.repository().Comments.List(ctx, pull, time.Time{})
	if err != nil {
		return Thread{}, fmt.Errorf("read the discussion of the pull request %d: %w", pull, err)
	}
	return Thread{p, me, all}, nil
}

func (p *Poster) me(ctx context.Context) (Author, error) { return whose(ctx, p.repository().Accounts) }

// Mine finds our comment that begins with a marker; the oldest where there are
// several.
func (t Thread) Mine(marker string) (Comment, bool) {
	want := markerOf(marker)
	mine := slices.DeleteFunc(slices.Clone(t.all), func(c Comment) bool { return !c.Author.Is(t.me) || markerOf(c.Body) != want })
	Sort(mine)
	if want == "" || len(mine) == 0 {
		return Comment{}, false
	}
	return mine[0], true
}

// Noted gives what the hidden lines of our comments say after a first word.
func (t Thread) Noted(word string) map[string]bool {
	out := map[string]bool{}
	for _, c := range t.all {
		if text, ok := Lookup(c.Body, word); ok && c.Author.Is(t.me) {
			out[text] = true
		}
	}
	return out
}

// Requests gives the commands since a time that are not answered yet, as
// Poster.Requests does. A command is answered where a comment of ours begins
// with the marker that answer gives for it.
func (t Thread) Requests(ctx context.Context, since time.Time, answer func(Comment) (marker string)) ([]Request, error) {
	answered := map[string]bool{}
	for _, c := range t.all {
		if name := markerOf(c.Body); name != "" && c.Author.Is(t.me) {
			answered[name] = true
		}
	}
	open := slices.DeleteFunc(slices.Clone(t.all), func(c Comment) bool { return answered[markerOf(answer(c))] })
	return t.poster.asked(ctx, open, since, func() (Author, error) { return t.me, nil })
}
