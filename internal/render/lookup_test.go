package render_test

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// cluster answers every query with one value, or fails.
type cluster struct {
	value string
	err   error
}

func (c *cluster) Lookup(context.Context, render.Query) (map[string]any, error) {
	return map[string]any{"value": c.value}, c.err
}

// disk counts what is kept on it.
type disk struct{ puts int }

func (*disk) Get(string) [][]byte        { return nil }
func (d *disk) Put(string, []byte) error { d.puts++; return nil }

// TestAnotherAnswerOfTheClusterRendersAnew goes through the states of one
// application, each of which depends on what was kept before it.
func TestAnotherAnswerOfTheClusterRendersAnew(t *testing.T) {
	t.Parallel()
	looking := engine(func(ctx context.Context, req render.Request) ([]render.Manifest, error) {
		value := "nothing"
		if req.Live != nil {
			found, err := req.Live.Lookup(ctx, render.Query{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"})
			if err != nil {
				return nil, err
			}
			value, _ = found["value"].(string)
		}
		return []render.Manifest{{Object: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": value,
		}}}}, nil
	})
	kept, one := &disk{}, &cluster{value: "a"}
	cache := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: looking}, render.DefaultLimits()), render.CacheOptions{Store: kept})
	for _, step := range []struct {
		reason string
		change func(*render.Request)
		want   string
		why    render.Why
		puts   int
	}{
		{"without the port nothing is asked, and the result may be kept", func(r *render.Request) { r.Live = nil }, "nothing", render.First, 1},
		{"an application that begins to look asks for something else", func(*render.Request) {}, "a", render.Options, 1},
		{"the same answer is no reason", func(*render.Request) {}, "a", render.Reused, 1},
		{"another answer is", func(*render.Request) { one.value = "b" }, "b", render.Lookup, 1},
		{"and then holds", func(*render.Request) {}, "b", render.Reused, 1},
		{"what cannot be asked does not hold", func(*render.Request) { one.err = fault.New(fault.Denied, "no") }, "", render.Lookup, 1},
		{"a refusal is not remembered: it may be permitted by now", func(*render.Request) { one.err = nil }, "b", render.Lookup, 1},
		{"an application that ceases to look has its first result", func(r *render.Request) { r.Live = nil }, "nothing", render.Reused, 1},
	} {
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{})
		req.Live = one
		step.change(&req)
		result, err := cache.Render(t.Context(), req)
		got := ""
		if err == nil {
			got, _ = result.Objects[0].Object["data"].(string)
		}
		if got != step.want || result.Cause.Why != step.why || kept.puts != step.puts {
			t.Errorf("%s: %q because of %q, %d kept on disk; %v", step.reason, got, result.Cause, kept.puts, err)
		}
	}
}
