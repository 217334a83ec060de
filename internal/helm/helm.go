package helm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Engine implements render.Engine. The zero value is ready.
type Engine struct{}

// defaultVersion is what charts see where the destination told nothing.
const defaultVersion = "1.37.0"

// Render is "helm template" of the chart at the source's path.
func (Engine) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	o := v1alpha1.ApplicationSourceHelm{}
	if req.Source.Helm != nil {
		o = *req.Source.Helm
	}
	c, err := load(req.Tree.FS, req.Path(), 0)
	if err != nil {
		return nil, err
	}
	if c.Metadata.Type == "library" {
		return nil, fault.New(fault.Invalid, "the chart in %s is a library: there is nothing to install", req.Path())
	}
	set, err := values(req)
	if err != nil {
		return nil, err
	}
	all, err := renderValues(req, o, c, set)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	files, err := engine.Engine{}.Render(c, all)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return collect(c, files, o, req.Path())
}

func renderValues(req render.Request, o v1alpha1.ApplicationSourceHelm, c *chart.Chart, set map[string]any) (chartutil.Values, error) {
	capabilities, err := capabilitiesOf(req.Capabilities, o)
	if err != nil {
		return nil, err
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.String()) {
		return nil, fmt.Errorf("the chart asks for Kubernetes %s, and the destination has %s", want, capabilities.KubeVersion.String())
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, set); err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{
		Name: cmp.Or(o.ReleaseName, req.App), Namespace: cmp.Or(o.Namespace, req.Namespace, "default"), Revision: 1, IsInstall: true,
	}
	return chartutil.ToRenderValuesWithSchemaValidation(c, set, release, capabilities, o.SkipSchemaValidation)
}

func capabilitiesOf(destination render.Capabilities, o v1alpha1.ApplicationSourceHelm) (*chartutil.Capabilities, error) {
	version, err := chartutil.ParseKubeVersion(cmp.Or(o.KubeVersion, destination.KubeVersion(), defaultVersion))
	if err != nil {
		return nil, fmt.Errorf("helm.kubeVersion: %w", err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	versions := destination.APIVersions()
	if len(o.APIVersions) > 0 {
		versions = o.APIVersions
	}
	capabilities.APIVersions = append(slices.Clone(chartutil.DefaultVersionSet), versions...)
	return capabilities, nil
}

// collect reads the objects out of what the templates wrote. Tests are left
// out: a sync is no place for them.
func collect(c *chart.Chart, files map[string]string, o v1alpha1.ApplicationSourceHelm, dir string) ([]render.Manifest, error) {
	var out []render.Manifest
	var failures []error
	if !o.SkipCrds {
		for _, crd := range c.CRDObjects() {
			name := path.Join(dir, crd.File.Name)
			items, err := manifest.Locate(bytes.NewReader(crd.File.Data), name)
			failures = append(failures, err)
			for _, item := range items {
				out = append(out, render.Manifest{Object: item.Object, Origin: render.Origin{Path: name, Line: item.Line}})
			}
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		base := path.Base(name)
		if strings.HasPrefix(base, "_") || strings.HasSuffix(base, "NOTES.txt") || strings.TrimSpace(files[name]) == "" {
			continue
		}
		_, template, _ := strings.Cut(name, "/") // the chart's name comes first
		objects, err := manifest.Parse(strings.NewReader(files[name]), name+" as rendered")
		failures = append(failures, err)
		for _, u := range objects {
			if !test(u) {
				out = append(out, render.Manifest{Object: u, Origin: render.Origin{Path: path.Join(dir, template)}})
			}
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return out, nil
}

// test reports the objects that "helm test" runs.
func test(u *unstructured.Unstructured) bool {
	for hook := range strings.SplitSeq(u.GetAnnotations()["helm.sh/hook"], ",") {
		if hook = strings.TrimSpace(hook); hook == "test" || hook == "test-success" || hook == "test-failure" {
			return true
		}
	}
	return false
}
