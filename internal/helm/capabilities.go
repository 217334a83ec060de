package helm

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// defaultVersion is what charts see where the destination told nothing.
const defaultVersion = "1.37.0"

// mentions tells whether a chart may look at what the destination is capable
// of. A chart that does not is not rendered anew for another version of it.
func mentions(units []unit) bool {
	return slices.ContainsFunc(units, func(u unit) bool { return bytes.Contains(u.file.Data, []byte("Capabilities")) })
}

// capabilitiesOf asks the destination what the source does not say itself,
// if at all.
func capabilitiesOf(destination render.Capabilities, o v1alpha1.ApplicationSourceHelm, ask bool) (*chartutil.Capabilities, error) {
	kube, versions := o.KubeVersion, o.APIVersions
	if ask && kube == "" {
		kube = destination.KubeVersion()
	}
	if ask && len(versions) == 0 {
		versions = destination.APIVersions()
	}
	version, err := chartutil.ParseKubeVersion(cmp.Or(kube, defaultVersion))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("helm.kubeVersion %q: %w", kube, err))
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	capabilities.APIVersions = append(slices.Clone(chartutil.DefaultVersionSet), versions...)
	return capabilities, nil
}

// compatible refuses a chart that is not made for the destination's version.
func compatible(c *chart.Chart, destination render.Capabilities, o v1alpha1.ApplicationSourceHelm) error {
	want := c.Metadata.KubeVersion
	if want == "" {
		return nil
	}
	version, err := chartutil.ParseKubeVersion(cmp.Or(o.KubeVersion, destination.KubeVersion(), defaultVersion))
	if err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("helm.kubeVersion %q: %w", o.KubeVersion, err))
	}
	if !chartutil.IsCompatibleRange(want, version.String()) {
		return fault.New(fault.Invalid, "the chart asks for Kubernetes %s, and the destination has %s", want, version.String())
	}
	return nil
}
