package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/page"
	"github.com/trueup-dev/trueup/preview/risk"
)

// hostile is text that acts as something else where it is not shown as text.
const hostile = "</script></style></pre><script>parent.pwned=1</script><img src=//evil.example/x onerror=parent.pwned=1>\x1b[2J\u202e{{.}}'\"`&lt;"

// hostileReport has text of strangers wherever a report has text.
func hostileReport() preview.Report {
	fields := []preview.Field{
		{Path: "data." + hostile, Before: hostile, After: hostile + "2"},
		{Path: "data.long", Before: strings.Repeat("x", 3000), After: "a\nb\n" + hostile + "\n"},
	}
	object := func(name string) preview.Object {
		return preview.Object{Kind: "ConfigMap", Namespace: "shop", Name: name, Action: preview.Update, Origin: "a/" + hostile + ".yaml:1", Fields: fields}
	}
	problem := &preview.Problem{Message: hostile}
	var many []preview.App
	for i := range 7 {
		many = append(many, preview.App{Name: fmt.Sprintf("many-%d", i), Origin: "sets/hay.yaml:3", Action: preview.Same, Problem: &preview.Problem{Message: "hay\nstack"}})
	}
	objects := []preview.Object{object("needle"), object(hostile), {Kind: "Secret", Name: "s", Action: preview.Create, Manifest: map[string]any{hostile: hostile}}}
	return preview.Report{
		Base: hostile, Head: hostile, Merge: hostile, Total: 2, Rendered: 2,
		Apps: append(many, []preview.App{
			{Name: "web", Cluster: "eu", Action: preview.Update, Objects: objects, Settings: fields},
			{Name: hostile, Was: hostile, Cluster: hostile, Action: preview.Rename, Problem: problem, Origin: hostile},
		}...),
		Sections: []preview.Section{
			{Change: "1", Targets: []preview.Target{{Application: "web", Cluster: "eu"}, {Application: hostile, Cluster: hostile}}, Objects: objects[:2]},
			{Change: "2", Targets: []preview.Target{{Application: "other", Cluster: "us"}}, Objects: objects[2:]},
			{Change: "3", Targets: []preview.Target{{Application: "ordered", Cluster: "us"}}, Objects: []preview.Object{{Kind: "ConfigMap", Name: "ordered", Action: preview.Update, Fields: []preview.Field{
				{Path: "gone", Before: "i"}, {Path: "other", Before: "k", After: "l"}, {Path: "text", Before: "a\nb\nc\n", After: "x\ny\nc\n"},
			}}}},
		},
		Risks:    []risk.Finding{{Rule: "policy-deny", Severity: risk.Critical, Application: hostile, Object: hostile, Message: hostile}, {Rule: "image", Severity: risk.Notice, Message: "hay"}},
		Standing: []risk.Finding{{Rule: "policy-deny", Severity: risk.Critical, Application: hostile, Object: hostile, Message: hostile}},
		Problems: []preview.Problem{*problem}, Warnings: []string{hostile, "hay"},
	}
}

// probe looks at the page in a frame as wide as a phone, or a desk, does what a
// reader does, and writes what it saw.
const probe = `<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><iframe id="f" style="border:0;height:900px;width:%dpx"></iframe><pre id="out"></pre><script>
window.pwned = 0;
var f = document.getElementById('f');
f.onload = function () {
  var d = f.contentDocument, w = f.contentWindow, saw = {};
  try {
    var shown = function (s) { return Array.prototype.filter.call(d.querySelectorAll(s), function (e) { return e.getClientRects().length > 0; }).length; };
    saw.objects = shown('.object');
    saw.wider = d.documentElement.scrollWidth > d.documentElement.clientWidth;
    saw.back = w.getComputedStyle(d.body).backgroundColor;
    saw.markup = d.querySelectorAll('img,a,iframe,link,object,form').length + d.querySelectorAll('script').length - 1 + d.querySelectorAll('style').length - 1;
    var search = d.getElementById('search');
    var look = function (text) { search.value = text; search.dispatchEvent(new w.Event('input')); return shown('.object'); };
    var found = function () { return d.getElementById('found').textContent; };
    var kinds = function () { return ['section', '.risks li', '.problems li', '.warnings li', '.object'].map(shown).join(' '); };
    saw.kinds = kinds();
    saw.needle = look('NEEDLE') + ' ' + found();
    look('Hay');
    saw.hay = kinds() + ' ' + found();
    look('many-5 sets/hay');
    saw.folded5 = kinds() + ' ' + found();
    saw.nothing = look('no such thing') + ' ' + found() + ' ' + shown('#none') + ' ' + shown('section');
    saw.all = look('') + ' ' + found();
    var cells = function () { var row = d.querySelector('.changed'), b = row.querySelector('.before').getBoundingClientRect(), a = row.querySelector('.after').getBoundingClientRect(); return a.top >= b.bottom ? 'unified' : 'split'; };
    saw.first = cells();
    var ordered = Array.prototype.filter.call(d.querySelectorAll('.object'), function (o) { return o.querySelector('b').textContent === 'ConfigMap ordered'; })[0];
    saw.order = Array.prototype.filter.call(ordered.querySelectorAll('td, th'), function (e) { return e.getClientRects().length > 0; })
      .sort(function (a, b) { return a.getBoundingClientRect().top - b.getBoundingClientRect().top; })
      .map(function (e) { return w.getComputedStyle(e, '::before').content.replace(/none|normal|"/g, '') + e.textContent; }).join('|');
    saw.button = shown('#view');
    d.getElementById('view').click();
    saw.second = cells() + ' ' + d.getElementById('view').getAttribute('aria-pressed');
    d.getElementById('view').click();
    d.getElementById('fold').click();
    saw.folded = d.querySelectorAll('.object[open]').length;
    d.getElementById('fold').click();
    saw.fetched = w.performance.getEntriesByType('resource').length;
    saw.pwned = window.pwned;
  } catch (e) { saw.error = String(e); }
  document.getElementById('out').textContent = JSON.stringify(saw);
};
f.srcdoc = %s;
</script>`

type saw struct {
	Objects, Button, Folded, Fetched, Pwned, Markup int
	Wider                                           bool
	Back, Kinds, Needle, Hay, Folded5, Nothing, All string
	First, Second, Order, Error                     string
}

// chromium is the browser's program.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium to look at the page with: make test installs it where apt-get can")
	return ""
}

// TestInChromium: what a reader does with the page works in a browser, on a
// phone and at a desk, by day and by night; it asks nobody for anything, and
// text of strangers stays text.
func TestInChromium(t *testing.T) {
	t.Parallel()
	program := chromium(t)
	var b strings.Builder
	if err := page.Write(&b, hostileReport(), hostile); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, scheme string
		width        int
		want         saw
	}{
		{"at a desk", "1", 1200, saw{Back: "rgb(255, 255, 255)", Button: 1, Second: "split true"}},
		{"on a phone by night", "0", 360, saw{Back: "rgb(20, 23, 27)", Second: "split true"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.want.Objects, tc.want.First, tc.want.Order = 6, "unified", "-gone: i|-other: k|+other: l|text|-a|-b|+x|+y|c"
			tc.want.Kinds = "9 3 2 2 6" // sections, risks, problems, warnings, objects
			tc.want.Needle, tc.want.Nothing, tc.want.All = "1 1 of 13 match: 1 object", "0 nothing found 1 0", "6 "
			tc.want.Hay, tc.want.Folded5 = "3 1 1 1 0 3 of 13 match: 1 risk, 1 problem, 1 warning", "1 0 1 0 0 1 of 13 match: 1 problem"
			got := look(t, program, tc.scheme, fmt.Sprintf(probe, tc.width, quoted(t, b.String())))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +seen)\n%s", diff)
			}
		})
	}
}

// quoted is a text as a script has it.
func quoted(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text) // escapes what ends a script
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func look(t *testing.T, program, scheme, probe string) (out saw) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "probe.html")
	if err := os.WriteFile(file, []byte(probe), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, err := dump(t, program, scheme, file)
	// A browser that crashes says nothing about the page.
	for range 2 {
		if status := (*exec.ExitError)(nil); errors.As(err, &status) && status.ExitCode() < 0 {
			t.Logf("once more: %v", err)
			dom, err = dump(t, program, scheme, file)
		}
	}
	if err != nil {
		t.Fatalf("run %s: %v", program, err)
	}
	_, rest, _ := strings.Cut(string(dom), `<pre id="out">`)
	text, _, ok := strings.Cut(rest, "</pre>")
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &out); err != nil || !ok {
		t.Fatalf("the page was not looked at: %v\n%.2000s", err, dom)
	}
	return out
}

func dump(t *testing.T, program, scheme, file string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+scheme,
		"--window-size=1400,1000", "--virtual-time-budget=10000", "--dump-dom", "file://"+file)
	cmd.WaitDelay = 5 * time.Second
	return cmd.Output()
}
