package agent_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kube"
)

// Many sets: of a hundred, one is a matrix of clusters and a list, 33 are
// lists, 33 pick folders and 33 pick files of one repository.
const (
	applicationsOf  = 10 // of each set
	manySetsRest    = time.Minute
	manySetsTimeout = 20 * time.Minute
)

// manySets is how many of them there are.
var manySets = flag.Int("sets.count", 1000, "sets of BenchmarkApplicationSets, each of ten applications")

// manySet is the i-th set.
func (s scale) manySet(i int) *v1alpha1.ApplicationSet {
	name := fmt.Sprintf("s%04d", i)
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.ns}}
	set.Spec.GoTemplate = true
	set.Spec.GoTemplateOptions = []string{"missingkey=error"}
	list := &v1alpha1.ListGenerator{}
	for k := range applicationsOf {
		list.Elements = append(list.Elements, apiextensionsv1.JSON{Raw: fmt.Appendf(nil, `{"app": "a%d", "tier": "t%d"}`, k, k%3)})
	}
	git := &v1alpha1.GitGenerator{RepoURL: "file://" + s.repo, Revision: "main"}
	app, server := "{{ .path.basename }}", "https://kubernetes.default.svc"
	switch {
	case i%100 == 0:
		app, server = "{{ .app }}-{{ .nameNormalized }}", "{{ .server }}"
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Matrix: &v1alpha1.MatrixGenerator{
			Generators: []v1alpha1.ApplicationSetNestedGenerator{{Clusters: &v1alpha1.ClusterGenerator{}}, {List: list}},
		}}}
	case i%3 == 0:
		app = "{{ .app }}"
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{List: list}}
	case i%3 == 1:
		git.Directories = []v1alpha1.GitDirectoryItem{{Path: "teams/" + name + "/*"}}
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Git: git}}
	default:
		git.Files = []v1alpha1.GitFileItem{{Path: "teams/" + name + "/*/config.yaml"}}
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Git: git}}
	}
	set.Spec.Template.Name = name + "-" + app
	set.Spec.Template.Labels = map[string]string{"team": name}
	set.Spec.Template.Spec = v1alpha1.ApplicationSpec{
		Project: "idle", Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/acme/shop.git", Path: "apps/" + app, TargetRevision: "main"},
		Destination: v1alpha1.ApplicationDestination{Server: server, Namespace: name},
	}
	return set
}

// counter follows the applications of a namespace.
type counter struct{ known atomic.Int64 }

// count follows until the context ends. A watch may end before: a server drops
// those who are slow while it is busy.
func (s scale) count(ctx context.Context) *counter {
	c, names := &counter{}, map[string]bool{}
	note := func(name string) {
		names[name] = true
		c.known.Store(int64(len(names)))
	}
	var following sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	s.b.Cleanup(func() { stop(); following.Wait() })
	following.Go(func() {
		for ctx.Err() == nil {
			if err := s.follow(ctx, note); err != nil && ctx.Err() == nil {
				s.b.Logf("follow the applications again: %v", err)
			}
		}
	})
	return c
}

// follow notes each application that is there or comes, for as long as a watch
// goes on.
func (s scale) follow(ctx context.Context, note func(name string)) error {
	list := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: "ApplicationList"}}
	if err := s.client.List(ctx, list, client.InNamespace(s.ns)); err != nil {
		return err
	}
	for i := range list.Items {
		note(list.Items[i].Name)
	}
	events, err := s.client.Watch(ctx, list, client.InNamespace(s.ns), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if app, ok := event.Object.(*metav1.PartialObjectMetadata); ok {
			note(app.Name)
		}
	}
	return nil
}

// until waits for a count of applications, and returns the time that it took.
func (s scale) until(c *counter, n int64) time.Duration {
	s.b.Helper()
	began := time.Now()
	for c.known.Load() < n {
		if time.Since(began) > manySetsTimeout {
			s.b.Fatalf("only %d of %d applications are there", c.known.Load(), n)
		}
		<-time.After(20 * time.Millisecond)
	}
	return time.Since(began)
}

// quiet waits until the agent does next to nothing, and returns how long it
// went on before. It looks at the process: a scrape of the metrics of 10,000
// applications would cost more than what is measured.
func (s scale) quiet(p process) time.Duration {
	s.b.Helper()
	const (
		window = 5 * time.Second
		idle   = 100 * time.Millisecond // of CPU, in a window
	)
	began := time.Now()
	for last := p.cpu(s.b); ; {
		if time.Since(began) > manySetsTimeout {
			s.b.Fatal("the agent does not come to rest")
		}
		from := time.Now()
		<-time.After(window)
		now := p.cpu(s.b)
		if now-last < idle {
			return from.Sub(began)
		}
		last = now
	}
}

// measure tells what the agent does meanwhile.
func (s scale) measure(p process, name string, do func() time.Duration) {
	s.b.Helper()
	requests, expansions := s.requests(), s.counted("trueup_applicationset_expansions_total")
	cpu := p.cpu(s.b) // after the scrapes, which are not what is measured
	s.b.ReportMetric(do().Seconds(), "s-"+name)
	s.b.ReportMetric((p.cpu(s.b) - cpu).Seconds(), "cpu-s-"+name)
	s.b.ReportMetric(s.requests()-requests, "requests-"+name)
	s.b.ReportMetric(s.counted("trueup_applicationset_expansions_total")-expansions, "expansions-"+name)
}

// BenchmarkApplicationSets measures what 1,000 sets with 10,000 applications
// cost: until all are there, at rest, at a commit, and as a cluster comes. The
// applications belong to a project that permits them no destination: the agent
// looks at each once and says so in its status, so that the sets are measured
// and not what applications cost.
func BenchmarkApplicationSets(b *testing.B) {
	s, p := startScale(b, func(s scale) {
		for i := range *manySets {
			for k := range applicationsOf {
				s.write(fmt.Sprintf("teams/s%04d/a%d/config.yaml", i, k), fmt.Appendf(nil, "app: a%d\ntier: t%d\n", k, k%3))
			}
		}
	})
	project := &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "idle", Namespace: s.ns}}
	project.Spec.SourceRepos = []string{"*"}
	s.must(s.client.Create(b.Context(), project))
	apps := s.count(b.Context())
	all, matrices := int64(*manySets*applicationsOf), int64(*manySets+99)/100
	s.measure(p, "create", func() time.Duration {
		began := time.Now()
		var group errgroup.Group
		group.SetLimit(8)
		for i := range *manySets {
			group.Go(func() error { return s.client.Create(b.Context(), s.manySet(i)) })
		}
		s.must(group.Wait())
		b.ReportMetric(time.Since(began).Seconds(), "s-sets-created")
		s.until(apps, all)
		return time.Since(began)
	})
	s.measure(p, "settle", func() time.Duration { return s.quiet(p) })
	b.ReportMetric(p.megabytes(b, "RssAnon"), "MB-anon")

	requests := s.requests()
	cpu := p.cpu(b)
	<-time.After(manySetsRest) // the measure is the cost of a time without events
	ticks := manySetsRest.Seconds() / scalePoll.Seconds()
	b.ReportMetric((p.cpu(b)-cpu).Seconds()/ticks*1000, "cpu-ms-per-tick")
	b.ReportMetric((s.requests()-requests)/ticks, "requests-per-tick")

	s.measure(p, "commit", func() time.Duration {
		s.write("teams/s0001/new/config.yaml", []byte("app: new\n"))
		s.commit("Add one")
		return s.until(apps, all+1)
	})
	s.measure(p, "commit-settle", func() time.Duration { return s.quiet(p) })

	s.measure(p, "cluster", func() time.Duration {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "edge", Namespace: s.ns, Labels: map[string]string{kube.SecretTypeLabel: kube.SecretCluster}}}
		secret.StringData = map[string]string{"name": "edge", "server": "https://edge.example.com", "config": "{}"}
		s.must(s.client.Create(b.Context(), secret))
		return s.until(apps, all+1+matrices*applicationsOf)
	})
	s.measure(p, "cluster-settle", func() time.Duration { return s.quiet(p) })
}
