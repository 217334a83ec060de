package jsonnet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/jsonnet"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/render/rendertest"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestMain lets the test's program be the child that evaluates.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == jsonnet.Argument {
		if err := jsonnet.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRender(t *testing.T) {
	t.Parallel()
	engines := map[render.Type]render.Engine{render.Directory: render.NewDirectory(jsonnet.New("", jsonnet.DefaultLimits()))}
	golden.Archives(t, "want", func(t *testing.T, a *txtar.Archive) string {
		return rendertest.Run(t, a, engines)
	})
}

func request(program string) (render.Request, []render.File) {
	return render.Request{Tree: snapshot.Tree{FS: fstest.MapFS{}}}, []render.File{{Path: "a.jsonnet", Data: []byte(program)}}
}

// memory is what a child may have.
func memory() int64 {
	if raced {
		return 1 << 44
	}
	return 256 << 20
}

// TestRunaways: whatever a program asks for, this process goes on, and says
// what was too much.
func TestRunaways(t *testing.T) {
	t.Parallel()
	limits := jsonnet.Limits{Memory: memory(), Output: 1 << 20, Children: 2}
	for _, tc := range []struct{ reason, program, want string }{
		{"endless recursion", "local f(x) = f(x + 1); f(0)", "max stack frames"},
		{"endless recursion without a stack", "local f(x) = if x < 0 then x else f(x + 1) tailstrict; f(0)", "deadline"},
		{"a very long array", "std.range(1, 1e9)", "more than 256 MiB of memory"},
		{"a text that doubles", "local f(s, n) = if n == 0 then std.length(s + '') else f(s + s, n - 1); f('x', 40)", "more than 256 MiB of memory"},
		{"an array of arrays of arrays", "local a = [1, 1, 1, 1, 1, 1, 1, 1], b = [a, a, a, a, a, a, a, a], c = [b, b, b, b, b, b, b, b], d = [c, c, c, c, c, c, c, c]," +
			" e = [d, d, d, d, d, d, d, d], f = [e, e, e, e, e, e, e, e], g = [f, f, f, f, f, f, f, f], h = [g, g, g, g, g, g, g, g]; [h, h, h, h, h, h, h, h]", "more than 256 MiB of memory"},
		{"more output than anybody wants", "std.join('', std.makeArray(2000, function(i) std.repeat('x', 1000)))", "gives more than 1 MiB"},
	} {
		if raced && strings.Contains(tc.want, "MiB of memory") {
			continue // seen without the race detector
		}
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if tc.want == "deadline" {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
			}
			req, files := request(tc.program)
			texts, err := jsonnet.New("", limits).Evaluate(ctx, req, files)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%d texts, error %v", len(texts), err)
			}
			if kind := fault.Of(err); kind != fault.Invalid && tc.want != "deadline" {
				t.Errorf("kind %s", kind)
			}
		})
	}
}

// TestAChildIsFreeAgain: a child that was stopped makes room for the next.
func TestAChildIsFreeAgain(t *testing.T) {
	t.Parallel()
	e := jsonnet.New("", jsonnet.Limits{Memory: memory(), Output: 1 << 20, Children: 1})
	for _, program := range []string{"local f(x) = f(x + 1) tailstrict; f(0)", "{}"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if program != "{}" {
			ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		}
		req, files := request(program)
		texts, err := e.Evaluate(ctx, req, files)
		cancel()
		if program == "{}" && (err != nil || len(texts) != 1) {
			t.Errorf("after one that was stopped: %v, %v", texts, err)
		}
		if program != "{}" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an endless program: %v", err)
		}
	}
}

// TestImportsAreTraced: a file that was looked for and not found counts.
func TestImportsAreTraced(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"app/a.jsonnet":    {Data: []byte("local x = import 'x.libsonnet'; {apiVersion: 'v1', kind: 'A', metadata: {name: x}}")},
		"lib/x.libsonnet":  {Data: []byte("'one'")},
		"lib/unused.json":  {Data: []byte("{}")},
		"app/y.libsonnet":  {Data: []byte("error 'never evaluated by itself'")},
		"app/readme.json5": {Data: []byte("")},
	}
	engines := map[render.Type]render.Engine{render.Directory: render.NewDirectory(jsonnet.New("", jsonnet.DefaultLimits()))}
	req := render.Request{Tree: snapshot.Tree{FS: files}, App: "shop", Source: v1alpha1.ApplicationSource{Path: "app",
		Directory: &v1alpha1.ApplicationSourceDirectory{Jsonnet: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"lib"}}}}}
	result, err := render.New(engines, render.DefaultLimits()).Render(t.Context(), req)
	if err != nil || len(result.Objects) != 1 || result.Objects[0].GetName() != "one" {
		t.Fatal(result.Objects, err)
	}
	for _, tc := range []struct {
		reason, file, data string
		want               bool
	}{
		{"a library that was not imported", "lib/unused.json", "[]", true},
		{"a library that was imported", "lib/x.libsonnet", "'two'", false},
		{"a file that would be found first", "app/x.libsonnet", "'three'", false},
	} {
		changed := fstest.MapFS{}
		for name, f := range files {
			changed[name] = f
		}
		changed[tc.file] = &fstest.MapFile{Data: []byte(tc.data)}
		req.Tree.FS = changed
		if got := result.Reads.Tree.Holds(changed); got != tc.want {
			t.Errorf("%s: holds is %t", tc.reason, got)
		}
	}
}

// BenchmarkEvaluate measures what a source with one file costs, most of which
// is to start the child.
func BenchmarkEvaluate(b *testing.B) {
	e := jsonnet.New("", jsonnet.DefaultLimits())
	req, files := request("{apiVersion: 'v1', kind: 'A', metadata: {name: 'a'}}")
	for b.Loop() {
		if _, err := e.Evaluate(b.Context(), req, files); err != nil {
			b.Fatal(err)
		}
	}
}
