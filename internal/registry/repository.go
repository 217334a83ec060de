package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// repository is one Helm repository, or one repository of an OCI registry.
type repository struct {
	registry *Registry
	base     string // the URL that applications name
	url      string // what is asked
	source   source

	// turn holds a value while somebody talks to the repository.
	turn     chan struct{}
	failures fault.Memories[question]

	mu    sync.Mutex // guards what follows, and is never held while waiting
	known map[question]answer
}

// source is how a kind of repository is asked. Its methods take turns.
type source interface {
	// refresh forgets what the repository said about its versions.
	refresh(ctx context.Context) error
	// resolve finds what a question stands for.
	resolve(ctx context.Context, q question) (found, error)
	// fetch brings what was found into the store, and opens it.
	fetch(ctx context.Context, f found) (*files, error)
	// held opens what was found without a conversation; nil is not held.
	held(f found) *files
	close()
}

// question is what applications ask of a repository.
type question struct {
	chart, revision, prefix string
	// pass sends credentials wherever the index points.
	pass bool
}

// found is what a question stands for. Equal values have equal content.
type found struct {
	commit snapshot.Commit
	// digest is that of a chart's archive, where its repository tells one, or
	// of an OCI manifest.
	digest string
	// url is where a chart's archive is.
	url string
	// chart tells that the archive must be one of Helm's, and pass that its
	// host gets the repository's credentials, whichever it is.
	chart, pass bool
}

// answer is found, or the reason why nothing was.
type answer struct {
	found
	missing error
	// open says that there was no answer: whoever asks again, asks.
	open bool
}

func (a answer) equal(b answer) bool {
	return a.found == b.found && (a.missing == nil) == (b.missing == nil) && a.open == b.open
}

// openTime bounds the opening of one tree, whoever waits for it.
const openTime = 10 * time.Minute

// tree opens a location. What has to be fetched belongs to nobody: that goes on
// when who asked for it cannot wait any longer, and who comes next waits for the
// same.
func (r *repository) tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	q := question{at.Chart, at.Revision, at.TagPrefix, at.PassCredentials}
	if tree, ok, err := r.remembered(q); ok {
		return tree, err
	}
	if err := r.takeTo(ctx, q); err != nil {
		return snapshot.Tree{}, err
	}
	if tree, ok, err := r.remembered(q); ok { // somebody asked meanwhile
		r.release()
		return tree, err
	}
	auth, err := r.registry.credentials.For(ctx, r.base)
	if err == nil {
		err = r.failures.Last(q, auth, r.registry.now())
	}
	if err != nil {
		r.release()
		return snapshot.Tree{}, err
	}
	type opened struct {
		tree snapshot.Tree
		err  error
	}
	done := make(chan opened, 1)
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTime)
	go func() {
		defer cancel()
		tree, single, err := r.open(own, q)
		kind := fault.Of(classify(err))
		err = r.failures.Note(q, auth, r.registry.now(), single || kind == fault.Missing || kind == fault.Invalid, err)
		r.release() // before anybody who waits asks again
		done <- opened{tree, err}
	}()
	select {
	case o := <-done:
		return o.tree, o.err
	case <-ctx.Done():
		return snapshot.Tree{}, fmt.Errorf("%w: %w", snapshot.ErrPending, ctx.Err())
	}
}

// open asks and fetches. It tells, too, whether a failure is about this question
// only. Nobody above it recovers a panic, and no server may stop the agent.
func (r *repository) open(ctx context.Context, q question) (tree snapshot.Tree, single bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "%s", fault.Panic("opening it", p))
		}
	}()
	a, ok := r.recall(q)
	if !ok {
		f, err := r.source.resolve(ctx, q)
		if err != nil && fault.Of(classify(err)) != fault.Missing {
			r.remember(q, answer{missing: err, open: true}) // Poll tells when there is one
			return snapshot.Tree{}, false, err
		}
		a = answer{found: f, missing: err}
		r.remember(q, a)
	}
	if a.missing != nil {
		return snapshot.Tree{}, true, a.missing
	}
	files := r.source.held(a.found)
	if files == nil {
		if files, err = r.source.fetch(ctx, a.found); err != nil {
			return snapshot.Tree{}, true, err
		}
	}
	return snapshot.Tree{Commit: a.commit, FS: files}, false, nil
}

// remembered opens what is known and held, without any conversation.
func (r *repository) remembered(q question) (snapshot.Tree, bool, error) {
	a, ok := r.recall(q)
	if !ok || a.missing != nil {
		return snapshot.Tree{}, ok, a.missing
	}
	files := r.source.held(a.found)
	return snapshot.Tree{Commit: a.commit, FS: files}, files != nil, nil
}

func (r *repository) poll(ctx context.Context) (bool, error) {
	if err := r.take(ctx); err != nil {
		return false, err
	}
	defer r.release()
	r.mu.Lock()
	before := maps.Clone(r.known)
	r.mu.Unlock()
	r.failures.Again()
	if len(before) == 0 {
		return false, nil
	}
	if err := r.source.refresh(ctx); err != nil {
		return false, err
	}
	changed := false
	var failures []error
	for _, q := range slices.Collect(maps.Keys(before)) {
		f, err := r.source.resolve(ctx, q)
		if err != nil && fault.Of(classify(err)) != fault.Missing {
			failures = append(failures, fmt.Errorf("%s: %w", q.revision, err))
			continue
		}
		now := answer{found: f, missing: err}
		changed = changed || !now.equal(before[q])
		r.remember(q, now)
	}
	return changed, errors.Join(failures...)
}

func (r *repository) recall(q question) (answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.known[q]
	return a, ok && !a.open
}

// maxQuestions bounds what is remembered of one repository: whoever asks for
// ever new revisions has the first ones asked again.
const maxQuestions = 4096

func (r *repository) remember(q question, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxQuestions {
		clear(r.known)
	}
	r.known[q] = a
}

// takeTo waits for the turn to ask a question. Where the repository failed the
// last time, nobody waits while another finds out whether it still does.
func (r *repository) takeTo(ctx context.Context, q question) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	if err := r.failures.Failing(q); err != nil {
		return err
	}
	if err := r.take(ctx); err != nil {
		return fmt.Errorf("%w: %w", snapshot.ErrPending, err)
	}
	return nil
}

func (r *repository) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the repository: %w", ctx.Err())
	}
}

func (r *repository) release() { <-r.turn }

func (r *repository) close() { r.source.close() }
