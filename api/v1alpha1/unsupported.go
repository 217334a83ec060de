package v1alpha1

import "fmt"

// Unsupported lists the paths of fields that are set and that this version
// does not act upon, in the order of the spec, for a condition and a warning.
func Unsupported(app *Application) []string {
	var out []string
	add := func(set bool, path string) {
		if set {
			out = append(out, path)
		}
	}
	s := &app.Spec
	if s.Source != nil && len(s.Sources) == 0 {
		out = append(out, unsupportedSource(s.Source, "spec.source")...)
	}
	add(len(s.Sources) > 1, "spec.sources")
	for i := range s.Sources {
		out = append(out, unsupportedSource(&s.Sources[i], fmt.Sprintf("spec.sources[%d]", i))...)
	}
	add(s.SourceHydrator != nil, "spec.sourceHydrator")
	for i, d := range s.IgnoreDifferences {
		add(len(d.JQPathExpressions) > 0, fmt.Sprintf("spec.ignoreDifferences[%d].jqPathExpressions", i))
	}
	return out
}

func unsupportedSource(s *ApplicationSource, path string) []string {
	var out []string
	for _, f := range []struct {
		set  bool
		name string
	}{
		{s.Chart != "", "chart"},
		{s.Ref != "", "ref"},
		{s.Plugin != nil, "plugin"},
	} {
		if f.set {
			out = append(out, path+"."+f.name)
		}
	}
	return out
}
