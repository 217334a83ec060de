package lifecycle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// maxHeld bounds the names that a status lists.
const maxHeld = 1000

// delete decides about the applications that are not wanted any more.
func (m *maker) delete() {
	m.plan.Held = nil
	set := m.in.Set
	confirmation := set.Annotations[v1alpha1.ConfirmDeletion]
	rejected, unnamed := m.rejected()
	var stray []v1alpha1.Application
	have := 0
	for _, app := range m.in.Owned {
		if !app.DeletionTimestamp.IsZero() {
			continue
		}
		have++
		switch {
		case m.wanted[app.Name]:
		case rejected[app.Name]:
			m.keep(app.Name, "delete", "an application of this name was rejected")
		case !m.policy.delete:
			m.keep(app.Name, "delete", m.policy.reason)
		case unnamed != "":
			m.keep(app.Name, "delete", "an application was rejected whose name is not known, by "+unnamed)
		default:
			stray = append(stray, app)
		}
	}
	m.plan.Window = m.recent(stray)
	if len(stray) == 0 {
		if unnamed == "" {
			m.plan.Spent = confirmation
		}
		return
	}
	reasons := m.doubts()
	if len(reasons) == 0 {
		next := m.plan.Window
		switch {
		case neverAsks(set):
		case m.closed(stray, have):
			next = m.uncounted(len(stray))
		default:
			next = m.counted(have)
			reasons = m.tooMany(stray, have, int(next.Applications))
		}
		if len(reasons) == 0 {
			m.plan.Delete, m.plan.Spent, m.plan.Window = stray, confirmation, next
			return
		}
	}
	held := m.hold(stray, strings.Join(reasons, "; "))
	if confirmation != "" && (confirmation == held.Digest || m.rest(confirmation, stray)) {
		m.plan.Delete, m.plan.Confirmed, m.plan.Window = stray, true, nil // somebody looked: it begins anew
		return
	}
	m.plan.Held, m.plan.Spent = held, confirmation
	for _, app := range stray {
		m.keep(app.Name, "delete", held.Reason)
	}
}

// rejected are the names that the expansion would have given, and where one
// without a name comes from.
func (m *maker) rejected() (names map[string]bool, unnamed string) {
	names = map[string]bool{}
	for _, r := range m.plan.Rejected {
		if r.Name == "" {
			unnamed = cmp.Or(unnamed, r.Generator, "the set")
		}
		names[r.Name] = true
	}
	return names, unnamed
}

// recorded is what a generator gave when it was last acted on.
func (m *maker) recorded(path string) (v1alpha1.GeneratorStatus, bool) {
	all := m.in.Set.Status.Generators
	if i := slices.IndexFunc(all, func(g v1alpha1.GeneratorStatus) bool { return g.Path == path }); i >= 0 {
		return all[i], true
	}
	return v1alpha1.GeneratorStatus{}, false
}

// doubts are answers that may not be the whole truth: empty ones, and those
// that say themselves that they lack something. A generator without a record
// may have given anything; what an answer lacked when all was settled is no
// news, and nothing of the set came from it.
func (m *maker) doubts() []string {
	var out []string
	for _, a := range m.answers {
		before, known := m.recorded(a.Path)
		if missing := news(before.Lacks, a.Lacks); len(missing) > 0 {
			out = append(out, fmt.Sprintf("%s gave a part of its answer, which lacks %s", a.Path, shortList(missing)))
			continue
		}
		fresh := len(news(before.Empty, a.Empty))
		switch {
		case a.ParameterSets > 0 && fresh > 0:
			out = append(out, fmt.Sprintf("%s gave nothing to %d of the questions of its matrix, which cannot be verified", a.Path, fresh))
		case a.ParameterSets > 0 || a.Verified:
		case !known:
			out = append(out, fmt.Sprintf("%s gave nothing, which cannot be verified", a.Path))
		case before.ParameterSets > 0:
			out = append(out, fmt.Sprintf("%s gave nothing where it gave %d before, which cannot be verified", a.Path, before.ParameterSets))
		case fresh > 0: // another generator may have come to its place
			out = append(out, fmt.Sprintf("%s gave nothing to a question that it did not answer before, which cannot be verified", a.Path))
		}
	}
	return out
}

// news are the texts that a list did not have before.
func news(before, now []string) []string {
	var out []string
	for _, text := range now {
		if !slices.Contains(before, text) {
			out = append(out, text)
		}
	}
	return out
}

// window is how long deletions are added up that nobody confirmed.
const window = time.Hour

// recent is the window that still counts. Time alone does not let go what was
// held.
func (m *maker) recent(stray []v1alpha1.Application) *v1alpha1.DeletionWindow {
	if w := m.in.Set.Status.DeletionWindow; w != nil && (m.in.Now.Sub(w.Since.Time) < window || m.heldBefore(stray)) {
		return w
	}
	return nil
}

// counted is the window with deletions of a set that has so many. What went is
// told by the number of applications, so that deletions that were planned, but
// not done, are not counted twice.
func (m *maker) counted(have int) *v1alpha1.DeletionWindow {
	out := &v1alpha1.DeletionWindow{Since: metav1.NewTime(m.in.Now.UTC()).Rfc3339Copy()}
	if m.plan.Window != nil {
		out = m.plan.Window.DeepCopy()
	}
	out.Applications = max(out.Applications, int64(have))
	return out
}

// uncounted is the window with deletions that do not count.
func (m *maker) uncounted(n int) *v1alpha1.DeletionWindow {
	out := m.plan.Window.DeepCopy()
	if out != nil {
		out.Applications -= int64(n)
	}
	return out
}

func (m *maker) heldBefore(stray []v1alpha1.Application) bool {
	held := m.in.Set.Status.Held
	return held != nil && slices.ContainsFunc(stray, func(a v1alpha1.Application) bool { return slices.Contains(held.Applications, a.Name) })
}

// tooMany are the reasons to ask about deletions that are certain, in a set
// that had so many within the window.
func (m *maker) tooMany(stray []v1alpha1.Application, have, had int) []string {
	var out []string
	for _, a := range m.answers {
		if isTop(a.Path) && len(out) > 0 {
			continue // it says the same once more
		}
		if before, _ := m.recorded(a.Path); a.ParameterSets == 0 && before.ParameterSets > 0 {
			out = append(out, fmt.Sprintf("%s gives nothing where it gave %d before", a.Path, before.ParameterSets))
		}
	}
	if len(out) == 0 && len(stray) == have && len(m.in.Result.Applications) == 0 {
		out = append(out, "the set gives no application any more")
	}
	gone := had - have
	if allowed := m.in.Agent.budget(m.in.Set, had); gone+len(stray) > allowed {
		text := fmt.Sprintf("%d of %d applications would go", len(stray), have)
		if gone > 0 {
			text += fmt.Sprintf(" after %d others", gone)
		}
		out = append(out, fmt.Sprintf("%s, and the deletion budget allows %d", text, allowed))
	}
	return out
}

// closed reports whether all that is to go comes of pull requests that the
// forge says are gone: the document and every other answer are as they were,
// and there are not more applications than those pull requests had. What was
// held before stays held.
func (m *maker) closed(stray []v1alpha1.Application, have int) bool {
	acted := apimeta.FindStatusCondition(m.in.Set.Status.Conditions, ResourcesUpToDate)
	if acted == nil || acted.ObservedGeneration != m.in.Set.Generation {
		return false
	}
	if m.heldBefore(stray) {
		return false
	}
	vanished, listed := 0, 0
	for _, a := range m.answers {
		before, _ := m.recorded(a.Path)
		if isTop(a.Path) {
			continue // it depends on the others
		}
		if count(before.PullRequests) == 0 {
			if int64(a.ParameterSets) < before.ParameterSets && !multiplied(a.Path) {
				return false
			}
			continue
		}
		if !a.Verified {
			return false
		}
		vanished += count(without(before.PullRequests, a.PullRequests))
		listed += count(before.PullRequests)
	}
	return listed > 0 && len(stray) <= vanished*((have+listed-1)/listed)
}

// multiplied reports a generator that is asked once for each parameter set of
// another: how much it gives depends on that one.
func multiplied(path string) bool {
	for rest, found := path, true; found; {
		_, rest, found = strings.Cut(rest, "matrix.generators[")
		if found && !strings.HasPrefix(rest, "0]") {
			return true
		}
	}
	return false
}

func count(all []v1alpha1.RepositoryPullRequests) int {
	n := 0
	for _, r := range all {
		n += len(r.Numbers)
	}
	return n
}

// without are the pull requests of one list that another lacks.
func without(all, these []v1alpha1.RepositoryPullRequests) []v1alpha1.RepositoryPullRequests {
	have := map[string][]int64{}
	for _, r := range these {
		key := strings.ToLower(r.Repository)
		have[key] = append(have[key], r.Numbers...)
	}
	var out []v1alpha1.RepositoryPullRequests
	for _, r := range all {
		left := v1alpha1.RepositoryPullRequests{Repository: r.Repository}
		for _, n := range r.Numbers {
			if !slices.Contains(have[strings.ToLower(r.Repository)], n) {
				left.Numbers = append(left.Numbers, n)
			}
		}
		out = append(out, left)
	}
	return out
}

// hold describes deletions that wait. Its digest covers the names and the
// identities, so that it is never about an application that was made later
// under one of the names.
func (m *maker) hold(stray []v1alpha1.Application, reason string) *v1alpha1.HeldDeletion {
	set := m.in.Set
	lines := make([]string, 0, len(stray))
	held := &v1alpha1.HeldDeletion{Reason: reason, Count: int64(len(stray))}
	for _, app := range stray {
		lines = append(lines, app.Name+" "+string(app.UID))
		held.Applications = append(held.Applications, app.Name)
	}
	slices.Sort(lines)
	slices.Sort(held.Applications)
	held.Applications = held.Applications[:min(len(held.Applications), maxHeld)]
	sum := sha256.Sum256([]byte(string(set.UID) + "\n" + strings.Join(lines, "\n")))
	held.Digest = hex.EncodeToString(sum[:8])
	held.Since = new(metav1.NewTime(m.in.Now.UTC()).Rfc3339Copy())
	if old := set.Status.Held; old != nil && old.Digest == held.Digest {
		held.Since = old.Since
	}
	return held
}

// rest reports whether deletions are what is left of those that somebody
// confirmed: some went, and then the agent stopped.
func (m *maker) rest(confirmation string, stray []v1alpha1.Application) bool {
	held := m.in.Set.Status.Held
	if held == nil || held.Digest != confirmation || held.Since == nil || held.Count != int64(len(held.Applications)) {
		return false
	}
	for _, app := range stray {
		if !slices.Contains(held.Applications, app.Name) || app.CreationTimestamp.After(held.Since.Time) {
			return false
		}
	}
	return true
}
