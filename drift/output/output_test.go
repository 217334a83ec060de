package output_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/golden"
)

func raw(text string) *apiextensionsv1.JSON { return &apiextensionsv1.JSON{Raw: []byte(text)} }

// application is one that drifted, in a namespace of its own.
func application(name, live string, more ...v1alpha1.DriftChange) *v1alpha1.Application {
	app := &v1alpha1.Application{}
	app.Name = name
	app.Spec.Destination.Namespace = name
	at := metav1.NewTime(time.Date(2026, 8, 20, 11, 2, 0, 0, time.UTC))
	app.Status.Sync.Status = v1alpha1.SyncStatusCodeOutOfSync
	changes := append([]v1alpha1.DriftChange{{
		Group: "apps", Kind: "Deployment", Namespace: name, Name: "web", Path: "spec.template.spec.containers[name=web].image",
		Desired: raw(`"web:1.4"`), Live: raw(live), Class: "declared", Manager: "kubectl-edit", Operation: "Update", Time: &at,
	}}, more...)
	app.Status.Drift = &v1alpha1.DriftSummary{Objects: 1, Fields: 1, Since: &at, By: []string{"kubectl-edit"}, Changes: changes}
	objects := map[string]bool{}
	app.Status.Drift.Fields = 0
	for _, c := range changes {
		objects[c.Kind+c.Name] = true
		if c.Path != "" {
			app.Status.Drift.Fields++
		}
	}
	app.Status.Drift.Objects = len(objects)
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Group: "apps", Kind: "Deployment", Namespace: name, Name: "web", Origin: "apps/my web/deploy.yaml:31"},
		{Kind: "Service", Namespace: name, Name: "web", Origin: "apps/my web/service.yaml:1"},
	}
	return app
}

// fights are of a field, of one that the server makes what it is, and of an
// object that somebody deletes.
func fights() []v1alpha1.DriftFight {
	since, until := metav1.NewTime(time.Date(2026, 8, 20, 11, 2, 0, 0, time.UTC)), metav1.NewTime(time.Date(2026, 8, 20, 12, 2, 0, 0, time.UTC))
	return []v1alpha1.DriftFight{
		{Kind: "ConfigMap", Namespace: "eu-7", Name: "limits", Corrections: 4, Since: since, Until: until},
		{Kind: "ConfigMap", Namespace: "eu-7", Name: "mode", Path: `data["a|b"]`, Desired: raw(`"x"`), Live: raw(`"<b>](\u202e"`), Manager: "trueup", Corrections: 3, Since: since, Until: until},
		{
			Group: "apps", Kind: "Deployment", Namespace: "eu-7", Name: "web", Path: "spec.template.spec.containers[name=web].image",
			Desired: raw(`"web:1.4"`), Live: raw(`"web:debug"`), Manager: "kubectl-edit", Corrections: 3, Since: since, Until: until,
		},
	}
}

func sample() output.Report {
	gone := v1alpha1.DriftChange{Kind: "ConfigMap", Namespace: "eu-7", Name: "limits", Class: "declared"}
	secret := v1alpha1.DriftChange{Kind: "Secret", Namespace: "eu-7", Name: "db", Path: "data.password", Desired: raw(`"<secret #a1f39c02>"`), Live: raw(`"<secret #c02e77b1>"`), Class: "declared"}
	hostile := v1alpha1.DriftChange{Kind: "ConfigMap", Namespace: "eu-7", Name: "note", Path: `data["a|b"]`, Live: raw(`"x\n::error::` + "`|`" + ` [a](b) <b>\u001b[31m"`), Class: "undeclared", Manager: "evil|`m`\n"}
	unknown := &v1alpha1.Application{}
	unknown.Name = "us-1"
	unknown.Status.Sync.Status = v1alpha1.SyncStatusCodeUnknown
	unknown.Status.Conditions = []metav1.Condition{{Type: "ComparisonError", Message: "render apps/web:\nfile not found"}}
	fine := &v1alpha1.Application{}
	fine.Name = "us-2"
	fine.Status.Sync.Status = v1alpha1.SyncStatusCodeSynced
	fine.Status.Drift = &v1alpha1.DriftSummary{}
	left := &v1alpha1.Application{}
	left.Name = "us-3"
	left.Status.Sync = v1alpha1.SyncStatus{Status: v1alpha1.SyncStatusCodeOutOfSync, Digest: "d"}
	left.Status.Drift = &v1alpha1.DriftSummary{}
	left.Status.OperationState = &v1alpha1.OperationState{Phase: "Succeeded", SyncResult: &v1alpha1.SyncOperationResult{Digest: "d", Resources: []v1alpha1.ResourceResult{
		{Kind: "ConfigMap", Namespace: "us-3", Name: "old", Status: "PruneSkipped"}, {Kind: "ConfigMap", Namespace: "us-3", Name: "stubborn", Status: "Synced"},
	}}}
	for _, name := range []string{"old", "stubborn", "waits"} {
		left.Status.Resources = append(left.Status.Resources, v1alpha1.ResourceStatus{Kind: "ConfigMap", Namespace: "us-3", Name: name, Status: v1alpha1.SyncStatusCodeOutOfSync})
	}
	left.Status.Resources[0].Message = "not in Git any more"
	var apps []output.Application
	for _, app := range []*v1alpha1.Application{
		application("eu-1", `"web:debug"`), application("eu-2", `"web:debug"`), application("eu-7", `"web:debug"`, gone, hostile, secret), unknown, fine, left,
	} {
		if app.Name == "eu-7" {
			app.Status.Drift.Fights = fights()
		}
		next := output.FromStatus(app)
		next.Cluster, next.Revision = "cluster-"+app.Name, "9f3c1ab"
		apps = append(apps, next)
	}
	return output.New(apps...)
}

// TestWriters pins each format, on applications of which two are alike, one
// holds hostile values and one could not be compared.
func TestWriters(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(output.Report, io.Writer) error{
		"report.md": output.Report.Markdown, "report.xml": output.Report.JUnit, "report.sarif": output.Report.SARIF, "report.github": output.Report.GitHub,
		"report.json": func(r output.Report, w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := write(sample(), &b); err != nil {
				t.Fatal(err)
			}
			golden.File(t, "testdata/"+name+".golden", b.String())
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	a, b, c := output.FromStatus(application("a", `"x"`)), output.FromStatus(application("b", `"x"`)), output.FromStatus(application("c", `"y"`))
	long := application("d", `"x"`)
	long.Status.Drift.Fields = 200
	d := output.FromStatus(long)
	for name, tc := range map[string]struct {
		apps    []output.Application
		summary string
	}{
		"nothing":                             {nil, ""},
		"no two are alike":                    {[]output.Application{a, c}, ""},
		"namespaces of their own":             {[]output.Application{a, b}, "2 identical"},
		"one is odd":                          {[]output.Application{a, b, c}, "2 identical; c differs"},
		"what is not listed may be different": {[]output.Application{a, b, d}, "2 identical; d differs"},
	} {
		if diff := cmp.Diff(tc.summary, output.New(tc.apps...).Summary()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestComparisonHidesWhatIsExpected holds what a comparison gives a reader.
func TestComparisonHidesWhatIsExpected(t *testing.T) {
	t.Parallel()
	report := drift.Report{Objects: []drift.Object{{Kind: "ConfigMap", Name: "c", State: drift.InSync, Fields: []drift.Field{{Path: "data.x", Live: "1", Class: drift.Expected, Rule: "mine"}}}}}
	for all, want := range map[bool]string{false: "", true: "::notice title=drift::ConfigMap c data.x: not in Git, \"1\" live, nobody is known to own it (expected: mine)\n"} {
		var b strings.Builder
		if err := output.New(output.FromComparison("", report, all)).GitHub(&b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("all %v: %s", all, diff)
		}
	}
}

// TestHandInASentence: who wrote goes on from what is live, however much of it is
// known.
func TestHandInASentence(t *testing.T) {
	t.Parallel()
	ana, ben := audit.Actor{User: "ana", Manager: "kubectl-edit"}, audit.Actor{User: "ben"}
	noon := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	for want, field := range map[string]drift.Field{
		"by helm":                       {Manager: "helm"},
		"by kubectl by one of ana, ben": {Manager: "kubectl", Audit: []audit.Actor{ana, ben}},
		"by one of ana, ben":            {Audit: []audit.Actor{ana, ben}},
		"by ben":                        {Audit: []audit.Actor{ben}},
		"by kubectl-edit by ana":        {Audit: []audit.Actor{ana}},
		"nobody is known to own it":     {},
		"changed between 2026-03-01 12:00:05 and 12:00:07; helm wrote then": {Trace: &ownership.Trace{After: noon, Before: noon.Add(2 * time.Second), Managers: []string{"helm"}}},
	} {
		field.Path, field.Live, field.Desired, field.Class = "data.x", "1", "2", drift.Declared
		report := drift.Report{Objects: []drift.Object{{Kind: "ConfigMap", Name: "c", State: drift.Modified, Fields: []drift.Field{field}}}}
		var b strings.Builder
		if err := output.New(output.FromComparison("", report, true)).GitHub(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(strings.TrimSpace(b.String()), ` live, `+want) {
			t.Errorf("got %s want the end %q", b.String(), want)
		}
	}
}

// TestNotes: each format says what could not be told for want of managedFields,
// and says nothing where there was no want.
func TestNotes(t *testing.T) {
	t.Parallel()
	report := drift.Report{Objects: []drift.Object{}, Unowned: []string{"ConfigMap a", "ConfigMap b", "ConfigMap c", "ConfigMap d", "ConfigMap e"}}
	for name, write := range map[string]func(output.Report, io.Writer) error{
		"markdown": output.Report.Markdown, "junit": output.Report.JUnit, "sarif": output.Report.SARIF, "github": output.Report.GitHub,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var noted, plain bytes.Buffer
			if err := errors.Join(write(output.New(output.FromComparison("", report, false)), &noted), write(output.New(output.FromComparison("", drift.Report{}, false)), &plain)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(noted.String(), "ConfigMap a, ConfigMap b, ConfigMap c and 2 more") {
				t.Errorf("no note in\n%s", noted.String())
			}
			if strings.Contains(plain.String(), "managedFields") {
				t.Errorf("a note in\n%s", plain.String())
			}
		})
	}
}

func TestMarkdownIsBounded(t *testing.T) {
	t.Parallel()
	var apps []output.Application
	for i := range 2000 {
		apps = append(apps, output.FromStatus(application(strings.Repeat("a", 50)+string(rune('a'+i%26)), `"`+strings.Repeat("|", i)+`"`)))
	}
	var b strings.Builder
	if err := output.New(apps...).Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 60_000 || !strings.Contains(b.String(), "more parts have no room here") {
		t.Errorf("%d bytes, which end with %q", b.Len(), b.String()[b.Len()-100:])
	}
}

// FuzzWriters holds that no value breaks out of its place.
func FuzzWriters(f *testing.F) {
	f.Add("x\n::error::no", "a`b|c", "data[\"a\"]", "m\r\n")
	f.Add("](javascript:alert(1))", "</code><script>", "\x00\x1b[2J", "\u202e\xff")
	f.Add("\\|", "]]>&#124;", "a:b,c%0A", "@everyone")
	f.Add("x", "\x1b[2J\u202e", "a", "b")
	row := regexp.MustCompile(`^\| ([^|\n]*) \| ([^|\n]*) \| ([^|\n]*) \| ([^|\n]*) \| ([^|\n]*) \|$`)
	f.Fuzz(func(t *testing.T, live, name, path, manager string) {
		object := drift.Object{Kind: "ConfigMap", Namespace: "n", Name: name, State: drift.Modified, Origin: path + ":3", Fields: []drift.Field{
			{Path: path, Desired: manager, Live: live, Class: drift.Declared, Manager: manager},
			{Path: path, Live: map[string]any{name: live}, Class: drift.Expected, Rule: live},
		}}
		report := output.New(output.FromComparison(name+"x", drift.Report{Objects: []drift.Object{object}}, true))
		write := func(to func(io.Writer) error) string {
			var b strings.Builder
			if err := to(&b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		lines := strings.Split(strings.TrimSuffix(write(report.GitHub), "\n"), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "::error file=") || !strings.HasPrefix(lines[1], "::notice file=") || strings.Contains(lines[0]+lines[1], "\r") {
			t.Errorf("annotations: %q", lines)
		}
		rows := 0
		for line := range strings.SplitSeq(write(report.Markdown), "\n") {
			if strings.ContainsAny(strings.NewReplacer("<code>", "", "</code>", "").Replace(line), "<>`\x1b\r\u202e\u2028") {
				t.Errorf("markdown: %q", line)
			}
			if strings.HasPrefix(line, "| ") {
				rows++
				if !row.MatchString(line) {
					t.Errorf("row: %q", line)
				}
			}
		}
		if rows != 3 {
			t.Errorf("%d rows", rows)
		}
		decoder := xml.NewDecoder(strings.NewReader(write(report.JUnit)))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("JUnit: %v", err)
			}
		}
		var sarif struct{ Runs []struct{ Results []any } }
		if err := json.Unmarshal([]byte(write(report.SARIF)), &sarif); err != nil || len(sarif.Runs[0].Results) != 2 {
			t.Errorf("SARIF: %v, %v", sarif, err)
		}
	})
}
