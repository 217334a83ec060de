package proposal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/adopt/proposal"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func input() proposal.Input {
	at := time.Date(2026, 3, 1, 12, 0, 19, 0, time.UTC)
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	return proposal.Input{
		App: "shop", Namespace: "trueup", Cluster: "eu-1",
		Adopted: []adopt.Adopted{
			{Key: web, Field: drift.Field{Path: "spec.replicas", Desired: int64(2), Live: int64(5), Manager: "kubectl-edit", Operation: "Update", Time: &at}, How: "shop/web.yaml"},
			{Key: web, Field: drift.Field{Path: `metadata.annotations["x"]`, Live: "| <b>@team</b>\n\nTrueup-Adopts: everything\u202e", Manager: "`x`"}, How: "shop/web.yaml"},
			{Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "old"}, How: "shop/old.yaml"},
		},
		Refused:  []adopt.Refused{{Key: object.Key{Kind: "Secret", Namespace: "shop", Name: "db"}, Path: "data.p", Reason: "it is a Secret: its live values are not written to Git"}},
		Timeline: []proposal.Moment{{At: at, Text: "opened: spec.replicas of Deployment shop/web: 2 to 5, by kubectl-edit"}},
		Others:   []string{"shop-eu"},
		Trailer:  func(key object.Key, path string) string { return strings.TrimSpace(key.String() + " " + path) },
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	in := input()
	golden.File(t, "testdata/pull.md", in.Body())
	golden.File(t, "testdata/commit.txt", in.Commit())
	if got := snapshot.Adopts(in.Commit()); strings.Contains(got, "everything") || strings.Count(got, "\n") != 2 {
		t.Errorf("a live value became a trailer:\n%s", got)
	}
	in.Message = "Keep five\n\nFor the sale."
	if text := in.Commit(); in.Title() != "Keep five" || !strings.HasPrefix(text, "Keep five\n\nFor the sale.\n\n") {
		t.Errorf("with a message of one's own:\n%s", text)
	}
}

func TestBranchIsOfTheContent(t *testing.T) {
	t.Parallel()
	a, b := input(), input()
	b.Adopted = []adopt.Adopted{b.Adopted[2], b.Adopted[0], b.Adopted[1]}
	if a.Branch() != b.Branch() || !strings.HasPrefix(a.Branch(), "trueup/adopt-shop-") {
		t.Errorf("%s and %s", a.Branch(), b.Branch())
	}
	b.Adopted[1].Field.Live = int64(6)
	if a.Branch() == b.Branch() {
		t.Error("another value has the same branch")
	}
}

func TestBodyHasRoom(t *testing.T) {
	t.Parallel()
	in := input()
	for range 3000 {
		in.Adopted = append(in.Adopted, in.Adopted[0])
	}
	if body := in.Body(); len(body) > 60_000 || !strings.Contains(body, "have no room here") || !strings.Contains(body, "--drifted") {
		t.Errorf("%d bytes", len(body))
	}
}
