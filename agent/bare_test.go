package agent_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// BenchmarkBareClient is what BenchmarkTwoHundredApplications can at best
// come near to: it server-side applies the same objects, eight at a time,
// with nothing to render, compare or tell, and waits for the Deployments.
func BenchmarkBareClient(b *testing.B) {
	config, err := clientcmd.BuildConfigFromFlags("", clustertest.Kubeconfig(b, "hub"))
	if err != nil {
		b.Fatal(err)
	}
	config.QPS = -1
	scheme, err := kube.NewScheme()
	if err != nil {
		b.Fatal(err)
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		b.Fatal(err)
	}
	prefix := "bare-" + strconv.FormatInt(time.Now().Unix(), 36)
	began := time.Now()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(8)
	for i := range scaleApplications {
		group.Go(func() error {
			return applyAll(ctx, c, fmt.Sprintf("%s-%03d", prefix, i), fmt.Sprintf(scaleManifest, i))
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-to-applied")
	events, err := c.Watch(b.Context(), &appsv1.DeploymentList{})
	if err != nil {
		b.Fatal(err)
	}
	defer events.Stop()
	available := map[string]bool{}
	for event := range events.ResultChan() {
		if d, ok := event.Object.(*appsv1.Deployment); ok && strings.HasPrefix(d.Namespace, prefix) && d.Status.AvailableReplicas == 1 {
			available[d.Namespace] = true
		}
		if len(available) == scaleApplications {
			break
		}
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-to-healthy")
}

func applyAll(ctx context.Context, c client.Client, namespace, manifests string) error {
	documents := append([]string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n"}, strings.Split(manifests, "---\n")...)
	for _, document := range documents {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			return err
		}
		if u.GetKind() != "Namespace" {
			u.SetNamespace(namespace)
		}
		if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("bare")); err != nil {
			return err
		}
	}
	return nil
}
