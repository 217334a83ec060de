package preview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// handedOver tells what becomes of the objects that an application leaves to
// one of another name. No sync takes what is tracked for another application:
// the new one is refused as a whole, until the old one is gone with all that
// both describe. What outlives it is in the way for good.
func (c *comparer) handedOver(app *App, base, head *Side) {
	if base != nil && head != nil && app.Action != Rename {
		c.passed(app, base, head)
	}
	if app.Action != Rename {
		return
	}
	after := index(head)
	var gone, left []object.Key
	why := ""
	for key, u := range index(base) {
		if after[key] == nil || plan.HookOf(u) != "" {
			continue
		}
		reason := spared(base, u)
		if reason == "" {
			gone = append(gone, key)
			continue
		}
		left = append(left, key)
		if why == "" || reason < why { // one of several stands for all, and it is always the same
			why = reason
		}
	}
	if len(gone) > 0 {
		text := fmt.Sprintf("was %s: %s deleted with that, and made anew afterwards", base.Name, c.several(gone, "is", "are"))
		switch {
		case len(left) > 0:
			text = strings.TrimSuffix(text, "made anew afterwards") + "not made anew while syncs are refused"
		case automated(head.Spec) == nil:
			text += ", once somebody syncs " + head.Name
		}
		c.ofApplication(app, risk.RenameDeletesRule, text)
	}
	if len(left) > 0 {
		until := "somebody removes the annotation " + object.TrackingAnnotation
		if base.Stays != "" {
			until = "that is gone"
		}
		c.ofApplication(app, risk.RenameBlockedRule, fmt.Sprintf(
			"was %s: %s tracked for that (%s), and every sync of %s is refused until %s", base.Name, c.several(left, "stays", "stay"), why, head.Name, until,
		))
	}
}

// passed tells what becomes of an application that somebody else describes now:
// a set or a parent deletes what it describes no more, before others can have
// it, or keeps it from them.
func (c *comparer) passed(app *App, base, head *Side) {
	if base.Owner == "" || base.Owner == head.Owner {
		return
	}
	if base.Stays != "" {
		if head.Owner != "" {
			c.ofApplication(app, risk.RenameBlockedRule, fmt.Sprintf("is of %s and stays (%s): %s cannot have it until that is gone", base.Owner, base.Stays, head.Owner))
		}
		return
	}
	var gone []object.Key
	for key, u := range index(base) {
		if spared(base, u) == "" && plan.HookOf(u) == "" {
			gone = append(gone, key)
		}
	}
	if len(gone) > 0 {
		c.ofApplication(app, risk.RenameDeletesRule, fmt.Sprintf("is deleted by %s, which describes it no more, before %s: %s deleted with it",
			base.Owner, cmp.Or(head.Owner, "somebody")+" makes it anew", c.several(gone, "is", "are")))
	}
}

// taken tells of an object that another application has. No sync takes it: it is
// refused as a whole, until the other one lets the object go.
func (c *comparer) taken(app *App, base, head *Side, key object.Key) {
	other, ok := c.in.Tracked[head.Cluster][key]
	if !ok || other.Name == head.Name && other.Namespace == head.Namespace || base != nil && other.Name == base.Name && other.Namespace == base.Namespace {
		return
	}
	was, is := c.sides[0][sideID{other.Namespace, other.Name}], c.sides[1][sideID{other.Namespace, other.Name}]
	text := fmt.Sprintf("is tracked for %s, which describes it as well: every sync of %s is refused", other.Name, head.Name)
	if was != nil && (is == nil || is.Err == nil && index(is)[key] == nil) { // else the change leaves it alone
		if why := cmp.Or(Keeps(was, is, index(was)[key]), plan.Spares(plan.Policy{Prune: true, Deleting: is == nil}, index(was)[key])); why != "" {
			text = fmt.Sprintf("stays tracked for %s (%s): every sync of %s is refused until somebody removes the annotation %s", other.Name, why, head.Name, object.TrackingAnnotation)
		} else {
			text = fmt.Sprintf("is deleted by %s first, and made anew by %s after that", other.Name, head.Name)
		}
	}
	if severity := c.in.Risks.Severity(risk.TrackedRule); severity != risk.Off {
		c.risks = append(c.risks, risk.Finding{Rule: risk.TrackedRule, Severity: severity, Application: app.Name, Cluster: app.Cluster, Object: key.Short(), Message: text})
	}
}

// spared says why an object outlives its application; empty where it goes with
// it.
func spared(base *Side, u *unstructured.Unstructured) string {
	switch {
	case base.Stays != "":
		return "the application stays, for " + base.Stays
	case !base.Cascades():
		return withoutFinalizer
	}
	return plan.Spares(plan.Policy{Deleting: true}, u)
}

// several names objects, those first whose deletion is the gravest.
func (c *comparer) several(keys []object.Key, is, are string) string {
	grave := func(key object.Key) int {
		for i, s := range []risk.Severity{risk.Critical, risk.Warning} {
			if slices.ContainsFunc(c.in.Risks.Judge(risk.Change{Key: key, Deleted: true}), func(f risk.Finding) bool { return f.Severity.AtLeast(s) }) {
				return i
			}
		}
		return 2
	}
	slices.SortFunc(keys, func(a, b object.Key) int { return cmp.Or(cmp.Compare(grave(a), grave(b)), a.Compare(b)) })
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		names = append(names, key.Short())
	}
	if len(keys) == 1 {
		return names[0] + " " + is
	}
	return few(names) + " " + are
}

// few lists some names of many.
func few(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// ofApplication adds a finding about an application, and not about an object.
func (c *comparer) ofApplication(app *App, rule, message string) {
	if severity := c.in.Risks.Severity(rule); severity != risk.Off {
		c.risks = append(c.risks, risk.Finding{
			Rule: rule, Severity: severity, Application: app.Name, Cluster: app.Cluster, Object: "Application " + app.Name, Message: message,
		})
	}
}
