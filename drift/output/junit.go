package output

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/trueup-dev/trueup/drift"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
	Out      string      `xml:"system-out,omitempty"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Line    int          `xml:"line,attr,omitempty"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a suite for each application and a case for each object: one
// that a sync would change fails, and so does each fight. What a sync leaves alone is told, and passes.
func (r Report) JUnit(w io.Writer) error {
	all := junitSuites{Name: "drift"}
	for _, app := range r.Applications {
		suite := app.suite()
		all.Tests, all.Failures, all.Errors = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Errors+suite.Errors
		all.Suites = append(all.Suites, suite)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, data)
	return err
}

func (a *Application) suite() junitSuite {
	s := junitSuite{Name: a.Name, Out: a.Note}
	if s.Name == "" {
		s.Name = "files"
	}
	if a.Problem != "" {
		s.Errors++
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: "comparison", Error: &junitResult{"NotCompared", a.Problem, a.Problem}})
	}
	for _, o := range a.Objects {
		c := caseOf(o)
		c.Class = s.Name
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
		s.Cases = append(s.Cases, c)
	}
	for _, f := range a.fights() {
		s.Failures++
		file, line := spot(f.object, f.declared())
		name := strings.TrimSuffix("fight: "+f.object.Key().Short()+" "+f.path, " ")
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: name, File: file, Line: line, Failure: &junitResult{"Fight", f.text, f.text}})
	}
	if a.Unlisted > 0 {
		s.Failures++
		text := fmt.Sprintf("%d more differences are not listed in the status", a.Unlisted)
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: "more drift", Failure: &junitResult{"Unlisted", text, text}})
	}
	for _, key := range a.same {
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: key.Short()})
	}
	s.Tests = len(s.Cases)
	return s
}

func caseOf(o drift.Object) junitCase {
	file, line := place(o.Origin)
	c := junitCase{Name: o.Key().Short(), File: file, Line: line}
	var lines []string
	if text := fateOf(o); text != "" {
		lines = append(lines, text)
	}
	for _, f := range o.Fields {
		lines = append(lines, sentence(o, f))
	}
	if o.State == drift.InSync || o.State == drift.Orphaned {
		c.Out = strings.Join(lines, "\n")
		return c
	}
	if o.State == drift.Unknown {
		c.Error = &junitResult{string(o.State), fate(o), strings.Join(lines, "\n")}
		return c
	}
	c.Failure = &junitResult{string(o.State), fmt.Sprintf("%s: %d fields differ", o.State, len(o.Fields)), strings.Join(lines, "\n")}
	if text := fate(o); text != "" {
		c.Failure.Message = text
	}
	return c
}
