package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/reconcile"
)

// ruleMaps are the config maps that say what may differ, for every
// application: our own before Argo CD's.
func ruleMaps() []string { return []string{"trueup-drift-rules", "argocd-cm"} }

// Rules reads the rules that hold for every application from config maps of
// the agent's namespace. They are compiled when one of these has changed.
type Rules struct {
	Reader    client.Reader
	Namespace string

	mu       sync.Mutex
	version  string
	set      *ignore.Set
	problems []ignore.Problem
}

var _ reconcile.Rules = (*Rules)(nil)

// Rules implements reconcile.Rules.
func (r *Rules) Rules(ctx context.Context) (*ignore.Set, []ignore.Problem, error) {
	var maps []corev1.ConfigMap
	version := ""
	for _, name := range ruleMaps() {
		var m corev1.ConfigMap
		err := r.Reader.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: name}, &m)
		if client.IgnoreNotFound(err) != nil {
			return nil, nil, fmt.Errorf("read the config map %s/%s: %w", r.Namespace, name, err)
		}
		if err == nil {
			maps = append(maps, m)
		}
		version += m.ResourceVersion + "/"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version == version {
		return r.set, r.problems, nil
	}
	var rules []ignore.Rule
	var problems []ignore.Problem
	for _, m := range maps {
		more, wrong := ignore.FromConfig("config map "+m.Namespace+"/"+m.Name, m.Data)
		rules, problems = append(rules, more...), append(problems, wrong...)
	}
	set, wrong := ignore.Compile(rules...)
	r.version, r.set, r.problems = version, set, append(problems, wrong...)
	return r.set, r.problems, nil
}

// ruleData keeps the keys of a config map that hold rules: Argo CD has much
// else in the same one.
func ruleData(data map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range data {
		if key == "ignoreDifferences" || key == "resource.customizations" || strings.HasPrefix(key, "resource.customizations.ignoreDifferences.") {
			out[key] = value
		}
	}
	return out
}

// watchRules wakes all applications when rules change that hold for them.
func watchRules(ctx context.Context, informers cache.Informers, reader client.Reader, log logr.Logger, wake func(*v1alpha1.Application)) error {
	informer, err := informers.GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch rules: %w", err)
	}
	changed := func(old, now any) {
		if gone, ok := now.(toolscache.DeletedFinalStateUnknown); ok {
			now = gone.Obj
		}
		m, ok := now.(*corev1.ConfigMap)
		if !ok || !slices.Contains(ruleMaps(), m.Name) {
			return
		}
		if before, ok := old.(*corev1.ConfigMap); ok && before.ResourceVersion == m.ResourceVersion {
			return // told again without a change
		}
		var all v1alpha1.ApplicationList
		if err := reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
			log.Error(err, "the rules have changed, and applications see it at their next look only")
			return
		}
		for i := range all.Items {
			wake(&all.Items[i])
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if !initial {
				changed(nil, o)
			}
		},
		UpdateFunc: changed,
		DeleteFunc: func(o any) { changed(nil, o) },
	})
	if err != nil {
		return fmt.Errorf("watch rules: %w", err)
	}
	return nil
}
