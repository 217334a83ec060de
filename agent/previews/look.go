package previews

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/queue"
	"github.com/trueup-dev/trueup/preview/show"
)

// look compares what the forge has of a pull request with what is due. It
// renders nothing: that it leaves to the queue of previews, having said so.
func (s *Service) look(ctx context.Context, j queue.Job) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	rd, err := s.read(ctx, j)
	if err != nil || rd == nil {
		return err
	}
	s.looks.learn(j, rd.pull.Head)
	if rd.pull.State != post.Open {
		s.trials.drop(rd.key())
	}
	asked, err := s.commands(ctx, rd)
	if err != nil {
		return err
	}
	switch rd.pull.State {
	case post.Open:
		s.ends(rd.w, rd.pull.Number, false)
		if err := s.ready(ctx, rd, len(asked) > 0); err != nil {
			return err
		}
		for _, request := range asked {
			if err := s.answer(ctx, rd, request, "previewing again."); err != nil {
				return err
			}
		}
		return nil
	case post.Merged:
		if err := s.after(ctx, rd); err != nil {
			return err
		}
		s.ends(rd.w, rd.pull.Number, !rd.has || rd.state.Settled)
		return nil
	case post.Closed:
	}
	rd.w.follows(rd.pull.Number, nil)
	s.ends(rd.w, rd.pull.Number, true)
	return nil
}

// read reads a pull request and its discussion. It is nil where there is
// nothing to look at.
func (s *Service) read(ctx context.Context, j queue.Job) (*round, error) {
	w := s.watched(j.Repository)
	if w == nil {
		return nil, nil //nolint:nilnil // previews of it were switched off
	}
	forge, err := s.open(ctx, w)
	if err != nil {
		return nil, err
	}
	// Both are asked for at once: somebody waits for the first comment.
	rd := &round{w: w, r: w.get(), forge: forge, ends: s.trials.ends()}
	var asking sync.WaitGroup
	var unread error
	asking.Go(func() { rd.thread, unread = w.poster.Read(ctx, j.Pull) })
	rd.pull, err = forge.Pulls.Pull(ctx, j.Pull)
	asking.Wait()
	if fault.Of(err) == fault.Missing {
		w.follows(j.Pull, nil)
		s.ends(w, j.Pull, true)
		return nil, nil //nolint:nilnil // it was deleted
	}
	if err != nil {
		return nil, fmt.Errorf("read the pull request %d of %s: %w", j.Pull, j.Repository, err)
	}
	if unread != nil {
		return nil, unread
	}
	if rd.own, rd.has = rd.thread.Mine(s.marker()); rd.has {
		rd.state, _ = follow.Read(rd.own.Body)
	}
	return rd, nil
}

// ready begins a preview where one is due.
func (s *Service) ready(ctx context.Context, rd *round, force bool) error {
	if rd.pull.Fork && rd.r.Settings.Forks == ForksOff {
		return nil
	}
	if s.trials.busy(rd.key(), rd.pull.Head) && !force {
		return nil
	}
	if s.trials.ends() != rd.ends && !force {
		// It may have been a preview of this head, whose result came after the
		// discussion was read.
		s.want(rd.w, rd.pull.Number, rd.pull.Head)
		return nil
	}
	due, at, err := s.due(ctx, rd)
	if err != nil {
		return err
	}
	if !at.IsZero() {
		rd.w.later(rd.pull.Number, at)
	}
	if !due && !force {
		return nil
	}
	if rd.pull.Fork && rd.r.Settings.Forks == ForksAsk && !force {
		return s.waitFor(ctx, rd)
	}
	begun := follow.State{Failures: rd.state.Failures}
	placeholder := comment.WithPast(comment.Placeholder(s.o.Instance, rd.pull.Head), rd.past())
	if _, err := rd.w.poster.Comment(ctx, rd.pull.Number, begun.With(placeholder)); err != nil {
		return err
	}
	if err := s.mark(ctx, rd, post.Status{State: post.Pending, Description: "looking for what changes"}); err != nil {
		return err
	}
	if !s.trials.add(rd.key(), rd.pull.Head) {
		rd.w.later(rd.pull.Number, s.o.Clock.Now().Add(s.o.Interval))
	}
	return nil
}

// Times between attempts of a preview that failed.
const (
	firstRetry   = time.Minute
	longestRetry = time.Hour
)

// due tells whether what the comment has is not what is wanted, or when it will
// not be.
func (s *Service) due(ctx context.Context, rd *round) (bool, time.Time, error) {
	was, now := rd.state, s.o.Clock.Now()
	if was.Head != rd.pull.Head || was.Key != rd.r.Settings.key() {
		return true, time.Time{}, nil
	}
	if was.Asked {
		return false, time.Time{}, nil
	}
	if was.Failures > 0 && !was.Lasting {
		at := was.Time().Add(min(firstRetry<<min(was.Failures-1, 10), longestRetry))
		return !at.After(now), at, nil
	}
	base, err := s.o.Previewer.Base(ctx, rd.r, rd.pull.Target)
	if err != nil {
		return false, time.Time{}, fmt.Errorf("find the end of %s: %w", rd.pull.Target, err)
	}
	if base == was.Base {
		return false, time.Time{}, nil
	}
	// A branch that many commits go to would else have every pull request
	// previewed anew all the time.
	at := was.Time().Add(s.o.Rebase)
	return !at.After(now), at, nil
}

// waitFor says that somebody has to ask for the preview.
func (s *Service) waitFor(ctx context.Context, rd *round) error {
	state := follow.State{Head: rd.pull.Head, Key: rd.r.Settings.key(), At: s.o.Clock.Now().Unix(), Asked: true}
	body := s.marker() + "\n### Preview: it waits to be asked for\n\nThe change comes from a fork. Somebody who may write to this repository can ask for a preview: " +
		markdown.Code("/trueup preview") + "\n\n---\n<sub>head " + markdown.Code(show.Commit(rd.pull.Head)) + "</sub>\n"
	if _, err := rd.w.poster.Comment(ctx, rd.pull.Number, state.With(body)); err != nil {
		return err
	}
	return s.mark(ctx, rd, post.Status{State: post.Neutral, Description: "it waits to be asked for: the change comes from a fork"})
}

// mark sets our status of the head.
func (s *Service) mark(ctx context.Context, rd *round, to post.Status) error {
	to.Context = s.context(post.Context)
	if to.URL == "" {
		to.URL = rd.pull.URL
	}
	_, err := rd.w.poster.Status(ctx, rd.pull.Number, rd.pull.Head, to)
	return err
}
