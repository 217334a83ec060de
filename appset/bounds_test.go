package appset_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// TestBounds: what takes little in a document and would take gigabytes of
// memory is an error, in both languages.
func TestBounds(t *testing.T) {
	t.Parallel()
	many := "[" + strings.Repeat("{a: b},", 50_000) + "]"
	long := strings.Repeat("x", 200_000)
	files := []v1alpha1.GitFileItem{{Path: "*.yaml"}}
	git := &v1alpha1.GitGenerator{RepoURL: "https://git.example.com/x.git", Files: files}
	list := &v1alpha1.ListGenerator{ElementsYaml: many}
	// Every level of names is part of each name below it.
	var deep strings.Builder
	for range 1000 {
		fmt.Fprintf(&deep, "{a: 1, %s: ", strings.Repeat("k", 900))
	}
	deep.WriteString("1" + strings.Repeat("}", 1000))
	for name, tc := range map[string]struct {
		set   func(*v1alpha1.ApplicationSetSpec)
		file  string
		text  string
		fast  bool
		where string
	}{
		"parameters of a matrix": {file: "long: " + long, fast: true, text: "parameters of the set grow beyond", where: "generators[0].matrix.generators[1].list", set: func(s *v1alpha1.ApplicationSetSpec) {
			s.Generators = []v1alpha1.ApplicationSetGenerator{{Matrix: &v1alpha1.MatrixGenerator{Generators: []v1alpha1.ApplicationSetNestedGenerator{{Git: git}, {List: list}}}}}
		}},
		"texts of values": {text: "texts of the set grow beyond", where: "generators[0].clusters", set: func(s *v1alpha1.ApplicationSetSpec) {
			s.Generators = []v1alpha1.ApplicationSetGenerator{{Clusters: &v1alpha1.ClusterGenerator{Values: map[string]string{"v": "{{ repeat 1000000 `x` }}"}}}}
		}},
		"long literals": {fast: true, text: "applications of the set grow beyond", where: "template", set: func(s *v1alpha1.ApplicationSetSpec) {
			s.Generators = []v1alpha1.ApplicationSetGenerator{{List: list}}
			s.Template.Annotations = map[string]string{"long": long}
		}},
		"long names": {file: deep.String(), fast: true, text: "takes more than", where: "generators[0].git", set: func(s *v1alpha1.ApplicationSetSpec) {
			s.Generators = []v1alpha1.ApplicationSetGenerator{{Git: git}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &v1alpha1.ApplicationSet{}
			set.Spec.GoTemplate = !tc.fast
			set.Spec.Template.Name = "a"
			tc.set(&set.Spec)
			var known clusters
			for i := range 600 {
				known = append(known, appset.Cluster{Name: fmt.Sprintf("c%d", i), Server: fmt.Sprintf("https://c%d", i)})
			}
			world := &fakeWorld{files: fstest.MapFS{"f.yaml": {Data: []byte(tc.file)}}}
			_, err := appset.Generate(t.Context(), set, appset.World{Repositories: world, Clusters: known})
			if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), tc.where) {
				t.Errorf("got %.300v", err)
			}
		})
	}
}
