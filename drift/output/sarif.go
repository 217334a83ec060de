package output

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/trueup-dev/trueup/drift"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"semanticVersion,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string       `json:"id"`
	Short sarifText    `json:"shortDescription"`
	Level sarifDefault `json:"defaultConfiguration"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	Rule         string            `json:"ruleId"`
	Index        int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	Line int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

func sarifRules() []sarifRule {
	rule := func(id, level, text string) sarifRule { return sarifRule{id, sarifText{text}, sarifDefault{level}} }
	return []sarifRule{
		rule("declared", "error", "Git declares the field, and the cluster differs."),
		rule("removed", "error", "Git dropped the field, and the cluster still has it."),
		rule("undeclared", "warning", "Somebody added the field, and Git does not mention it."),
		rule("expected", "note", "A rule explains the difference."),
		rule("missing", "error", "The object is in Git, and not in the cluster."),
		rule("extra", "error", "The object is in the cluster, and not in Git any more."),
		rule("orphaned", "note", "The object is in the namespace of the application, and nobody tracks it."),
		rule("unknown", "warning", "The object could not be compared."),
		rule("fight", "warning", "The difference comes back as often as it is corrected, and is left alone for a while."),
		rule("modified", "error", "A sync of the object did not make it what Git says."),
	}
}

// SARIF writes version 2.1.0. A result is at the file and the line of Git that
// describe the object.
func (r Report) SARIF(w io.Writer) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "trueup", Rules: sarifRules()}}, Invocations: []sarifInvocation{{Successful: true}}, Results: []sarifResult{}}
	notify := func(level, text string) {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{level, sarifText{literal(text)}})
	}
	for _, app := range r.Applications {
		if app.Problem != "" {
			notify("warning", app.Name+" was not compared: "+app.Problem)
			run.Invocations[0].Successful = false
		}
		if app.Unlisted > 0 {
			notify("warning", fmt.Sprintf("%s: %d more differences are not listed in the status", app.Name, app.Unlisted))
		}
		if app.Note != "" {
			notify("note", app.Note)
		}
		for _, o := range app.Objects {
			if text := fateOf(o); text != "" {
				run.Results = append(run.Results, app.result(strings.ToLower(string(o.State)), o, drift.Field{Declared: o.Declared}, o.Key().Short()+": "+text))
			}
			for _, f := range o.Fields {
				run.Results = append(run.Results, app.result(string(f.Class), o, f, sentence(o, f)))
			}
		}
		for _, f := range app.fights() {
			run.Results = append(run.Results, app.result("fight", f.object, drift.Field{Path: f.path, Declared: f.declared()}, f.text))
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// result is about a field, or about the object where it has no path.
func (a *Application) result(rule string, o drift.Object, f drift.Field, text string) sarifResult {
	out := sarifResult{Rule: rule, Message: sarifText{literal(text)}}
	for i, r := range sarifRules() {
		if r.ID == rule {
			out.Index, out.Level = i, r.Level.Level
		}
	}
	name := strings.TrimPrefix(a.Name+" "+o.Key().String(), " ")
	at := sarifLocation{Logical: []sarifLogical{{strings.TrimSpace(name + " " + f.Path), "member"}}}
	if file, line := spot(o, f.Declared); file != "" {
		at.Physical = &sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: file}).String()}}
		if line > 0 {
			at.Physical.Region = &sarifRegion{line}
		}
	}
	out.Locations = []sarifLocation{at}
	sum := sha256.Sum256([]byte(rule + " " + name + " " + f.Path))
	out.Fingerprints = map[string]string{"trueupDrift/v1": hex.EncodeToString(sum[:16])}
	return out
}

// literal keeps a value from being read as a link.
func literal(text string) string { return strings.ReplaceAll(text, "](", `\](`) }
