package render_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// partly is a tree of which one file is still on its way, for those who do not
// wait for longer than ctx.
type partly struct {
	snapshot.FS
	ctx context.Context //nolint:containedctx // as with submodules
	far string
}

// Waiting implements snapshot.Waiter.
func (p partly) Waiting(ctx context.Context) snapshot.FS {
	p.ctx = ctx
	return p
}

func (p partly) ReadFile(name string) ([]byte, error) {
	if name != p.far {
		return p.FS.ReadFile(name)
	}
	if _, ends := p.ctx.Deadline(); !ends {
		return nil, errors.New("somebody waits for ever")
	}
	return nil, fmt.Errorf("read %s: %w", name, snapshot.ErrPending)
}

func (p partly) Open(name string) (fs.File, error) {
	if _, err := p.ReadFile(name); errors.Is(err, snapshot.ErrPending) {
		return nil, err
	}
	return p.FS.Open(name)
}

// TestPendingFiles: what is still being fetched is told as that, whatever an
// engine makes of it, and is no answer that is remembered.
func TestPendingFiles(t *testing.T) {
	t.Parallel()
	calls := 0
	reading := engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
		calls++
		if _, err := req.Tree.FS.ReadFile("lib/base.yaml"); err != nil {
			return nil, fault.New(fault.Invalid, "no base: %v", err)
		}
		return nil, nil
	})
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: reading}, render.Limits{}), render.CacheOptions{})
	req := request(map[string]string{"Chart.yaml": "", "lib/base.yaml": ""}, v1alpha1.ApplicationSource{})
	whole := req.Tree.FS
	req.Tree.FS = partly{FS: whole, ctx: t.Context(), far: "lib/base.yaml"}
	for range 2 {
		if _, err := c.Render(t.Context(), req); !errors.Is(err, snapshot.ErrPending) || fault.Of(err) != fault.Transient {
			t.Errorf("while a file is on its way: %v", err)
		}
	}
	req.Tree.FS = whole
	if _, err := c.Render(t.Context(), req); err != nil || calls != 3 {
		t.Errorf("when it is here: %v after %d calls", err, calls)
	}
}
