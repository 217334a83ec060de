package scm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestAppMakesCheckRuns: with the key of a GitHub App the status is a check
// run, which is neutral where things change; a new round is a new run.
func TestAppMakesCheckRuns(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := scmtest.GitHub(t, scmtest.Shop())
	server.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v3/app/installations/8/access_tokens" {
			return false
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"token":%q,"expires_at":%q}`, scmtest.AppToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return true
	})
	forges := scm.New(scm.Options{Namespace: "trueup", Objects: objects{secrets: map[string]scm.Secret{"trueup/app": {Data: map[string][]byte{
		"githubAppID": []byte("7"), "githubAppInstallationID": []byte("8"),
		"githubAppPrivateKey": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}}}}})
	defer forges.Close()
	r, err := forges.Repository(t.Context(), "sets", &v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web", API: server.URL, AppSecretName: "app"}})
	if err != nil {
		t.Fatal(err)
	}
	p := post.NewPoster(r, post.Options{Tries: 1})
	for _, want := range []post.Outcome{post.Created, post.Unchanged} {
		if got, err := p.Comment(t.Context(), 1, marker+"\ntext"); err != nil || got != want {
			t.Errorf("the comment: %s, %v, want %s", got, err, want)
		}
	}
	commit := strings.Repeat("1", 40)
	for _, s := range []post.Status{
		{State: post.Pending, Description: "rendering"},
		{State: post.Pending, Description: "rendering"},
		{State: post.Neutral, Description: "3 change", Summary: strings.Repeat("a long summary\n", 10_000), URL: "https://x.example.com"},
		{State: post.Failure, Description: "a risk", Summary: "short"},
		{State: post.Failure, Description: "a risk", Summary: "short"},
		{State: post.Pending, Description: "again"},
		{State: post.Success, Description: "nothing changes"},
	} {
		if _, err := p.Status(t.Context(), 1, commit, s); err != nil {
			t.Fatalf("%s: %v", s.Description, err)
		}
	}
	var got []string
	server.Change(func(w *scmtest.World) {
		for _, s := range w.Talk.Statuses {
			got = append(got, s.Name+" "+s.State+": "+s.Description+" ("+s.Summary+")")
		}
	})
	if diff := cmp.Diff([]string{"trueup/preview completed/failure: a risk (short)", "trueup/preview completed/success: nothing changes (nothing changes)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
