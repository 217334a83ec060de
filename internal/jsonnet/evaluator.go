package jsonnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Limits bound what evaluating the files of one source may cost, beside the
// time that the context gives.
type Limits struct {
	// Memory is what the child may need in bytes (half as much again for the
	// moment until that is seen), Output what it may say.
	Memory, Output int64
	// Children is how many there may be at a time.
	Children int
}

// DefaultLimits leave room for the libraries that describe all of Kubernetes.
func DefaultLimits() Limits { return Limits{Memory: 768 << 20, Output: 64 << 20, Children: 2} }

// UntrustedLimits are for files that anybody could have written.
func UntrustedLimits() Limits { return Limits{Memory: 256 << 20, Output: 16 << 20, Children: 1} }

// Evaluator implements render.Evaluator. It may be used by several
// goroutines.
type Evaluator struct {
	program string
	limits  Limits
	free    chan struct{}
}

// New returns an evaluator whose children run a program that calls Serve when
// Argument is its first one; this program where none is named.
func New(program string, limits Limits) *Evaluator {
	return &Evaluator{program: program, limits: limits, free: make(chan struct{}, limits.Children)}
}

// marker is the whole environment of a child: one that does not serve must
// not start another.
const marker = "TRUEUP_EVALUATES_JSONNET"

// Evaluate implements render.Evaluator: it gives the JSON text of each file.
func (e *Evaluator) Evaluate(ctx context.Context, req render.Request, files []render.File) ([]string, error) {
	if req.Source.Directory == nil {
		req.Source.Directory = &v1alpha1.ApplicationSourceDirectory{}
	}
	im, err := newImporter(req)
	if err != nil {
		return nil, err
	}
	select {
	case e.free <- struct{}{}:
		defer func() { <-e.free }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	todo := job{Memory: e.limits.Memory}
	for _, f := range files {
		todo.Files = append(todo.Files, file(f))
	}
	todo.ExtVars = variables(req, req.Source.Directory.Jsonnet.ExtVars)
	todo.TopLevelArgs = variables(req, req.Source.Directory.Jsonnet.TLAs)
	return e.run(ctx, todo, im)
}

func variables(req render.Request, vars []v1alpha1.JsonnetVar) []variable {
	var out []variable
	for _, v := range vars {
		out = append(out, variable{Name: v.Name, Value: req.Expand(v.Value), Code: v.Code})
	}
	return out
}

// run starts a child, and kills it at the end of the context.
func (e *Evaluator) run(ctx context.Context, todo job, im importer) ([]string, error) {
	program := e.program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program, to evaluate Jsonnet in a child: %w", err)
		}
	}
	if os.Getenv(marker) != "" {
		return nil, errors.New("evaluate Jsonnet: this program was started to evaluate, and did not")
	}
	alive, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(alive, program, Argument) //nolint:gosec // this very program, or the one that the wiring names
	cmd.Env = []string{marker + "=1", "GOMAXPROCS=2"}
	cmd.WaitDelay = 5 * time.Second
	died := &head{}
	cmd.Stderr = died
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("evaluate Jsonnet: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("evaluate Jsonnet: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a child to evaluate Jsonnet: %w", err)
	}
	texts, talkErr := e.talk(todo, im, in, out)
	if talkErr != nil {
		cancel()
	}
	_ = in.Close() // the child ends with it
	waitErr := cmd.Wait()
	switch {
	case len(texts) == len(todo.Files):
		return texts, talkErr
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case talkErr != nil && fault.Of(talkErr) == fault.Invalid:
		return nil, talkErr
	case died.says("stack overflow", "stack exceeds"):
		return nil, fault.New(fault.Invalid, "evaluate %s: its values are nested too deeply", todo.Files[len(texts)].Path)
	case died.says(outOfMemory, "cannot allocate memory"), died.says(muchMemory) && broke(waitErr):
		return nil, fault.New(fault.Invalid, "evaluate %s: it needs more than %d MiB of memory", todo.Files[len(texts)].Path, e.limits.Memory>>20)
	}
	return nil, fmt.Errorf("evaluate %s: the child ended early: %w\n%s", todo.Files[len(texts)].Path, errors.Join(talkErr, waitErr), died.text)
}

// talk gives the child its job, answers it, and collects what it finds: a
// text for every file, or fewer when it broke off. Files that failed are in
// the error, all of them.
func (e *Evaluator) talk(todo job, im importer, in io.Writer, out io.Reader) ([]string, error) {
	answer, heard := json.NewEncoder(in), &io.LimitedReader{R: out, N: e.limits.Output}
	listen := json.NewDecoder(heard)
	if err := answer.Encode(todo); err != nil {
		return nil, err
	}
	var texts []string
	var failures []error
	for len(texts) < len(todo.Files) {
		var s said
		if err := listen.Decode(&s); err != nil {
			if heard.N <= 0 {
				err = fault.New(fault.Invalid, "evaluate %s: it gives more than %d MiB", todo.Files[len(texts)].Path, e.limits.Output>>20)
			}
			return texts, err
		}
		switch {
		case s.Import != nil:
			data, at, err := im.find(*s.Import)
			if fault.Of(err) == fault.Transient {
				return texts, err // not what the files say
			}
			reply := found{At: at, Data: data}
			if err != nil {
				reply = found{Failed: err.Error()}
			}
			if err := answer.Encode(reply); err != nil {
				return texts, err
			}
		case s.Result != nil:
			texts = append(texts, *s.Result)
		default:
			name := todo.Files[len(texts)].Path
			failures = append(failures, fault.New(fault.Invalid, "evaluate %s: %s", name, strings.TrimSpace(s.Failed)))
			texts = append(texts, "")
		}
	}
	return texts, errors.Join(failures...)
}

// broke tells whether a program of Go ended because its runtime could not go
// on, not because somebody stopped it.
func broke(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 2
}

// head keeps the first bytes of what a child says when it dies: the reason
// stands there, stacks follow.
type head struct{ text []byte }

func (t *head) Write(p []byte) (int, error) {
	const enough = 2 << 10
	t.text = append(t.text, p[:min(len(p), enough-min(enough, len(t.text)))]...)
	return len(p), nil
}

// says tells whether any of these texts stand there.
func (t *head) says(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return bytes.Contains(t.text, []byte(s)) })
}
