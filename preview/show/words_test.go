package show_test

import (
	"encoding/json"
	"testing"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

// TestRendered holds that what fails is not told as rendered, in words and in
// JSON.
func TestRendered(t *testing.T) {
	t.Parallel()
	broken := preview.App{Action: preview.Same, Problem: &preview.Problem{}}
	already := preview.App{Action: preview.Same, Problem: &preview.Problem{Before: true}}
	mended := preview.App{Action: preview.Same, Problem: &preview.Problem{Only: true}}
	for _, tc := range []struct {
		total, touched, known int
		apps                  []preview.App
		want                  string
	}{
		{1, 1, 1, nil, "1 of 1 application rendered"},
		{1, 1, 0, []preview.App{broken}, "0 of 1 application rendered, 1 failed"},
		{5, 4, 2, []preview.App{broken, already, mended}, "2 of 5 applications rendered, 2 failed, the other one reads nothing that the change touches"},
		{1204, 1, 0, []preview.App{broken}, "0 of 1,204 applications rendered, 1 failed, the others read nothing that the change touches"},
		{2, 0, 0, nil, "0 of 2 applications rendered: they read nothing that the change touches"},
	} {
		r := preview.Report{Total: tc.total, Rendered: tc.touched, Apps: tc.apps}
		if got := show.Rendered(r); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var told struct{ Rendered int }
		if err := json.Unmarshal(text, &told); err != nil || told.Rendered != tc.known {
			t.Errorf("%s: %d in JSON, %v", tc.want, told.Rendered, err)
		}
	}
}
