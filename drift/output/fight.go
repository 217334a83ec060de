package output

import (
	"cmp"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/object"
)

// FightText tells one fight: who sets what, and until when it is left.
func FightText(f v1alpha1.DriftFight) string {
	until := f.Until.UTC().Format("2006-01-02 15:04:05 UTC")
	subject := object.Key{Group: f.Group, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}.Short()
	if f.Path == "" {
		return fmt.Sprintf("%s was created again %d times, and somebody deletes it each time; it is left so until %s", subject, f.Corrections, until)
	}
	other := cmp.Or(f.Manager, "somebody unknown")
	ours, theirs := "sets "+cmp.Or(rawText(f.Desired), "nothing"), cmp.Or(rawText(f.Live), "nothing")
	if f.Desired == nil {
		ours = "removes it"
	}
	line := fmt.Sprintf("%s %s: %s %s, %s sets %s; corrected %d times, and left to %s until %s", subject, f.Path, object.FieldManager, ours, other, theirs, f.Corrections, other, until)
	if f.Manager == object.FieldManager {
		line = fmt.Sprintf("%s %s: %s %s, and the server makes it %s: an admission webhook or the kind itself; sent %d times, and left so until %s",
			subject, f.Path, object.FieldManager, ours, theirs, f.Corrections, until)
	}
	return line
}

// rawText is a value as JSON; empty for none.
func rawText(j *apiextensionsv1.JSON) string {
	if j == nil {
		return ""
	}
	return string(j.Raw)
}

// fight is one with the object that it is about.
type fight struct {
	object drift.Object
	path   string
	// text is FightText, with nothing in it that does not print.
	text string
}

// fights are those of an application: differences that keep coming back, and
// that syncs leave alone for a while.
func (a *Application) fights() []fight {
	if a.Drift == nil {
		return nil
	}
	out := make([]fight, 0, len(a.Drift.Fights))
	for _, f := range a.Drift.Fights {
		one := fight{object: drift.Object{Group: f.Group, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}, path: f.Path, text: markdown.Visible(FightText(f))}
		if o := a.object(one.object.Key()); o != nil {
			one.object = *o
		}
		out = append(out, one)
	}
	return out
}

// declared is where the value that is fought over is declared, as far as that
// is known.
func (f fight) declared() *drift.Declaration {
	if f.path == "" {
		return f.object.Declared
	}
	for _, field := range f.object.Fields {
		if field.Path == f.path {
			return field.Declared
		}
	}
	return nil
}

func (r Report) countFights() int {
	n := 0
	for _, app := range r.Applications {
		n += len(app.fights())
	}
	return n
}

// fights are parts of a Markdown document, one for each application.
func (r Report) fights() []string {
	var out []string
	for _, app := range r.Applications {
		text := ""
		for _, f := range app.fights() {
			text += "- " + markdown.Text(f.text) + "\n"
		}
		if text != "" {
			out = append(out, "\n#### Fights of "+markdown.Text(app.Name)+"\n\n"+text)
		}
	}
	return out
}
