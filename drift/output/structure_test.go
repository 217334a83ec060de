package output_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/output"
)

// everyState is a comparison with an object in each state, and a field of each
// class.
func everyState() drift.Report {
	object := func(state drift.State, fields ...drift.Field) drift.Object {
		return drift.Object{Kind: "ConfigMap", Namespace: "shop", Name: strings.ToLower(string(state)), State: state, Fields: fields, Origin: "apps/a b.yaml:7"}
	}
	field := func(class drift.Class) drift.Field {
		return drift.Field{Path: "data." + string(class), Desired: "a", Live: "\x1b[31m\x00", Class: class, Rule: "controller"}
	}
	unknown := object(drift.Unknown)
	unknown.Reason = "the schema is broken"
	return drift.Report{Objects: []drift.Object{
		object(drift.InSync, field(drift.Undeclared), field(drift.Expected)), object(drift.Modified, field(drift.Declared), field(drift.Removed)),
		object(drift.Missing), object(drift.Extra), object(drift.Orphaned), unknown,
	}}
}

// TestSARIFStructure holds what the specification of version 2.1.0 asks of
// what is written: members of closed sets, indices, and what must be there.
func TestSARIFStructure(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]output.Report{"applications": sample(), "every state": output.New(output.FromComparison("shop", everyState(), true)), "nothing": output.New()} {
		var b bytes.Buffer
		if err := report.SARIF(&b); err != nil {
			t.Fatal(err)
		}
		var log struct {
			Schema  string `json:"$schema"`
			Version string
			Runs    []struct {
				Tool struct {
					Driver struct {
						Name  string
						Rules []struct {
							ID                   string
							ShortDescription     struct{ Text string }
							DefaultConfiguration struct{ Level string }
						}
					}
				}
				Invocations []struct{ ExecutionSuccessful *bool }
				Results     []struct {
					RuleID, Level string
					RuleIndex     int
					Message       struct{ Text string }
					Locations     []struct {
						PhysicalLocation *struct {
							ArtifactLocation struct{ URI string }
							Region           *struct{ StartLine int }
						}
						LogicalLocations []struct{ FullyQualifiedName, Kind string }
					}
					PartialFingerprints map[string]string
				}
			}
		}
		dec := json.NewDecoder(&b)
		if err := dec.Decode(&log); err != nil {
			t.Fatal(err)
		}
		if _, err := url.ParseRequestURI(log.Schema); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 {
			t.Fatalf("%s: the log is %q of %q with %d runs", name, log.Version, log.Schema, len(log.Runs))
		}
		run := log.Runs[0]
		levels := []string{"none", "note", "warning", "error"}
		rules := run.Tool.Driver.Rules
		for i, r := range rules {
			if r.ID == "" || r.ShortDescription.Text == "" || !slices.Contains(levels, r.DefaultConfiguration.Level) {
				t.Errorf("%s: rule %d is %+v", name, i, r)
			}
		}
		if run.Tool.Driver.Name == "" || len(run.Invocations) != 1 || run.Invocations[0].ExecutionSuccessful == nil || run.Results == nil {
			t.Errorf("%s: the run lacks what it must have", name)
		}
		seen := map[string]bool{}
		for _, r := range run.Results {
			if r.RuleIndex < 0 || r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: the rule %q is not at %d", name, r.RuleID, r.RuleIndex)
			}
			if !slices.Contains(levels, r.Level) || r.Message.Text == "" || len(r.Locations) == 0 || len(r.PartialFingerprints) == 0 {
				t.Errorf("%s: a result is %+v", name, r)
			}
			for _, at := range r.Locations {
				if p := at.PhysicalLocation; p != nil {
					if u, err := url.Parse(p.ArtifactLocation.URI); err != nil || u.String() != p.ArtifactLocation.URI || p.Region != nil && p.Region.StartLine < 1 {
						t.Errorf("%s: the place %+v", name, p)
					}
				}
				for _, l := range at.LogicalLocations {
					if l.FullyQualifiedName == "" || l.Kind == "" {
						t.Errorf("%s: the name %+v", name, l)
					}
				}
			}
			for _, print := range r.PartialFingerprints {
				if seen[print] {
					t.Errorf("%s: two results have the fingerprint %s", name, print)
				}
				seen[print] = true
			}
		}
	}
}

// TestJUnitStructure holds what readers of JUnit's XML share: counts that add
// up, names, one outcome for a case, and what the schema knows of attributes.
func TestJUnitStructure(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]output.Report{"applications": sample(), "every state": output.New(output.FromComparison("", everyState(), true)), "nothing": output.New()} {
		var b bytes.Buffer
		if err := report.JUnit(&b); err != nil {
			t.Fatal(err)
		}
		type outcome struct {
			Type    string `xml:"type,attr"`
			Message string `xml:"message,attr"`
		}
		var all struct {
			XMLName  xml.Name `xml:"testsuites"`
			Name     string   `xml:"name,attr"`
			Tests    int      `xml:"tests,attr"`
			Failures int      `xml:"failures,attr"`
			Errors   int      `xml:"errors,attr"`
			Suites   []struct {
				Name     string `xml:"name,attr"`
				Tests    int    `xml:"tests,attr"`
				Failures int    `xml:"failures,attr"`
				Errors   int    `xml:"errors,attr"`
				Cases    []struct {
					Class    string    `xml:"classname,attr"`
					Name     string    `xml:"name,attr"`
					Failures []outcome `xml:"failure"`
					Errors   []outcome `xml:"error"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b.Bytes(), &all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var tests, failures, errs int
		for _, s := range all.Suites {
			cases, failed, broken := len(s.Cases), 0, 0
			for _, c := range s.Cases {
				failed, broken = failed+len(c.Failures), broken+len(c.Errors)
				if c.Name == "" || c.Class == "" || len(c.Failures)+len(c.Errors) > 1 {
					t.Errorf("%s: the case %+v", name, c)
				}
				for _, o := range append(c.Failures, c.Errors...) {
					if o.Type == "" || o.Message == "" {
						t.Errorf("%s: the outcome of %s is %+v", name, c.Name, o)
					}
				}
			}
			if s.Name == "" || s.Tests != cases || s.Failures != failed || s.Errors != broken {
				t.Errorf("%s: the suite %q counts %d, %d, %d; it has %d, %d, %d", name, s.Name, s.Tests, s.Failures, s.Errors, cases, failed, broken)
			}
			tests, failures, errs = tests+cases, failures+failed, errs+broken
		}
		if all.Tests != tests || all.Failures != failures || all.Errors != errs {
			t.Errorf("%s: the counts are %d, %d, %d; want %d, %d, %d", name, all.Tests, all.Failures, all.Errors, tests, failures, errs)
		}
	}
}

// TestOrphansAreNoDrift: what nobody tracks is told, and fails nothing.
func TestOrphansAreNoDrift(t *testing.T) {
	t.Parallel()
	app := output.FromComparison("shop", drift.Report{Objects: []drift.Object{{Kind: "ConfigMap", Namespace: "shop", Name: "notes", State: drift.Orphaned}}}, true)
	if app.Drifted() {
		t.Error("an application with an orphan in its namespace counts as drifted")
	}
	var junit, github bytes.Buffer
	report := output.New(app)
	if err := report.JUnit(&junit); err != nil || strings.Contains(junit.String(), "<failure") || !strings.Contains(junit.String(), "tracked by nobody") {
		t.Errorf("%v\n%s", err, junit.String())
	}
	if err := report.GitHub(&github); err != nil || !strings.HasPrefix(github.String(), "::notice ") {
		t.Errorf("%v\n%s", err, github.String())
	}
}
