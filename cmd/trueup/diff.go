package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

type diffOptions struct {
	connection
	revision      string
	repos         []string
	desired, live string
	output        string
	all           bool
	charts        bool
	ignoreRules   []string
	rules         bool
	audit         auditLogs
	blame         bool
	web           webFileFlags
	sops          sopsOptions
}

func newDiffCommand(s streams) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff APP | diff --desired FILE --live FILE",
		Short: "Compare desired with live objects, field by field, and say who changed what",
		Long: `Compare desired with live objects, field by field, and say who changed what.

With APP it renders the application's source and reads the live objects, here and now, and changes nothing:
it needs access to the repository and to the destination. 'trueup drift' shows what the agent saw instead.

Without it everything comes from files. LIVE is what 'kubectl get -o yaml --show-managed-fields' prints. FILE may be - for standard input.
Exits with 0 when everything is in sync, 3 when something differs, 4 when nothing does but something could not be compared, 1 when a file cannot be read.`,
		Example: `  trueup diff web --revision release-2
  kubectl get deploy,svc -n shop -o yaml --show-managed-fields > live.yaml
  trueup diff web --audit-log /var/log/kubernetes/audit.log
  trueup diff web --blame
  trueup diff --desired shop.yaml --live live.yaml --ignore-rules rules.yaml --rules`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := compared(cmd.Context(), o, args, s)
			if err != nil {
				return err
			}
			if err := o.audit.report(&report, s); err != nil {
				return err
			}
			return showReport(report, o, strings.Join(args, ""), s)
		},
	}
	flags := cmd.Flags()
	o.flags(flags)
	flags.StringVar(&o.revision, "revision", "", "compare with this revision instead of the application's")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
	flags.StringVar(&o.desired, "desired", "", "file with the desired objects")
	flags.StringVar(&o.live, "live", "", "file with the live objects, with managed fields")
	flags.StringVarP(&o.output, "output", "o", "text", "text, json, yaml, name, markdown, junit, sarif or github")
	o.web.flags(flags)
	o.sops.flags(flags)
	o.audit.flags(flags)
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	flags.BoolVar(&o.all, "all", false, "also show what is expected to differ, with the rule that explains it, and what nobody tracks, where the project asks for that")
	flags.StringArrayVar(&o.ignoreRules, "ignore-rules", nil, "file with rules about what may differ: a list as in spec.ignoreDifferences, or a ConfigMap with Argo CD's keys (repeatable)")
	flags.BoolVar(&o.blame, "blame", false, "find the last commit that touched each declared value; fetches history as far as that needs, which can take long")
	flags.BoolVar(&o.rules, "rules", false, "show what each of your rules did instead of the differences")
	return cmd
}

// check refuses what does not go together.
func (o diffOptions) check(args []string) error {
	files := o.desired != "" || o.live != ""
	switch {
	case len(args) > 0 && files:
		return usagef("diff takes APP, or --desired and --live, not both")
	case len(args) == 0 && (o.desired == "" || o.live == ""):
		return usagef("diff needs APP, or --desired FILE and --live FILE")
	case files && o.blame:
		return usagef("--blame needs APP: files have no history")
	case files && o.desired == "-" && o.live == "-":
		return usagef("only one of --desired and --live can be standard input")
	}
	outputs := []string{"text", "json", "yaml", "name", "markdown", "junit", "sarif", "github"}
	if o.rules {
		outputs = outputs[:4]
	}
	return oneOf("--output", o.output, outputs...)
}

// compared reads both sides from where the command line says.
func compared(ctx context.Context, o diffOptions, args []string, s streams) (drift.Report, error) {
	if err := o.check(args); err != nil {
		return drift.Report{}, err
	}
	schemas, err := schema.Builtin()
	if err != nil {
		return drift.Report{}, fmt.Errorf("load the built-in schema: %w", err)
	}
	if len(args) > 0 {
		return compareApplication(ctx, o, args[0], schemas, s)
	}
	desired, origins, errDesired := locateObjects(o.desired, s.in)
	live, errLive := readObjects(o.live, s.in)
	if err := errors.Join(errDesired, errLive); err != nil {
		return drift.Report{}, err
	}
	rules, err := rulesFrom(o.ignoreRules, s.in)
	if err != nil {
		return drift.Report{}, err
	}
	report := drift.Compare(drift.Input{Desired: desired, Live: live, Schemas: schemas, Rules: rules.set})
	report.RuleNames, report.RuleProblems = rules.set.Names(), rules.problems
	declaredIn(o.desired, desired, origins, &report)
	for i, o := range report.Objects {
		report.Objects[i].Origin = origins[o.Key()]
		for _, hit := range o.Rules {
			if hit.Malformed {
				report.RuleProblems = append(report.RuleProblems, o.Key().Short()+" "+ignore.Annotation+": "+hit.Message)
			}
		}
	}
	return report, nil
}

// compareApplication runs the agent's own flow up to the comparison.
func compareApplication(ctx context.Context, o diffOptions, name string, schemas *schema.Set, s streams) (drift.Report, error) {
	apps, err := o.applications(ctx, []string{name})
	if err != nil {
		return drift.Report{}, err
	}
	flow, repos, done, err := o.flow(schemas)
	if err != nil {
		return drift.Report{}, err
	}
	defer done()
	if o.blame {
		flow.History = repos.sources
	}
	report, err := flow.Compare(ctx, &apps[0], o.revision)
	if err != nil {
		return report, fmt.Errorf("compare application %s: %w", name, err)
	}
	if !o.all {
		return report, nil
	}
	k, err := o.client()
	if err != nil {
		return report, err
	}
	projects := agent.Projects{Reader: k, Namespace: o.namespace, Credentials: &agent.Credentials{Reader: k, Namespace: o.namespace}}
	orphans, unlisted, err := flow.Orphaned(ctx, &apps[0], projects)
	if err != nil {
		return report, fmt.Errorf("compare application %s: %w", name, err)
	}
	for _, key := range orphans {
		report.Objects = append(report.Objects, drift.NewOrphan(key))
	}
	for _, text := range unlisted {
		fmt.Fprintln(s.err, "not looked at for what nobody tracks: "+text)
	}
	return report, nil
}

// flow is the agent's, with the access of whoever runs the command. done ends
// it.
func (o diffOptions) flow(schemas *schema.Set) (flow *reconcile.Flow, repos *repositories, done func(), err error) {
	config, err := restConfig(o.kubeconfig, o.context)
	if err != nil {
		return nil, nil, nil, err
	}
	k, err := o.client()
	if err != nil {
		return nil, nil, nil, err
	}
	renderer, err := o.sops.renderer(o.charts, agent.Keys{Reader: k, Namespace: o.namespace})
	if err != nil {
		return nil, nil, nil, err
	}
	file, err := rulesFrom(o.ignoreRules, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	repos, closeRepos, err := newRepositories(o.repos, o.web, &agent.Credentials{Reader: k, Namespace: o.namespace})
	if err != nil {
		return nil, nil, nil, err
	}
	destinations := &agent.Destinations{
		Local: config, Reader: k, Namespace: o.namespace, Builtin: schemas, See: func(string, reconcile.Sighting) {},
	}
	flow = &reconcile.Flow{
		Sources: repos, Renderer: renderer, Clusters: destinations, Now: time.Now, Namespace: o.namespace,
		Rules: bothRules{file, &agent.Rules{Reader: k, Namespace: o.namespace}},
	}
	return flow, repos, func() { destinations.Close(); closeRepos() }, nil
}

func showReport(report drift.Report, o diffOptions, app string, s streams) error {
	for _, problem := range report.RuleProblems {
		fmt.Fprintln(s.err, "a rule does not count: "+problem)
	}
	for _, problem := range report.Unblamed {
		fmt.Fprintln(s.err, problem)
	}
	if err := printReport(report, o, app, s); err != nil {
		return err
	}
	var code error
	for _, object := range report.Objects {
		switch object.State {
		case drift.InSync, drift.Orphaned:
		case drift.Unknown:
			code = exitCode(exitIncomplete)
		default:
			return exitCode(exitDrift)
		}
	}
	return code
}

// locateObjects reads every object of a file, and where in it each begins.
func locateObjects(name string, in io.Reader) ([]*unstructured.Unstructured, map[object.Key]string, error) {
	title := "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("read objects: %w", err)
		}
		defer f.Close() //nolint:errcheck // nothing was written
		in, title = f, name
	}
	items, err := manifest.Locate(in, title)
	if err != nil {
		return nil, nil, err
	}
	var objects []*unstructured.Unstructured
	origins := map[object.Key]string{}
	for _, item := range items {
		objects = append(objects, item.Object)
		if name != "-" {
			origins[object.KeyOf(item.Object)] = fmt.Sprintf("%s:%d", name, item.Line)
		}
	}
	return objects, origins, nil
}

// readObjects reads every object of a file; - is standard input.
func readObjects(name string, in io.Reader) ([]*unstructured.Unstructured, error) {
	if name == "-" {
		return drift.Parse(in, "standard input")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return drift.Parse(f, name)
}

func printReport(report drift.Report, o diffOptions, app string, s streams) error {
	if o.rules {
		return printRules(s.out, o.output, report.Rules())
	}
	if done, err := printReview(s.out, o.output, output.New(output.FromComparison(app, report, o.all))); done {
		return err
	}
	if done, err := printData(s.out, o.output, output.Comparison{Head: output.NewHead(), Application: app, Report: report}); done {
		return err
	}
	if o.output == "name" {
		if note := report.Note(); note != "" {
			fmt.Fprintln(s.err, markdown.Visible(note))
		}
		return printNames(s.out, report)
	}
	return printDrift(s.out, report, printing{palette: palette(s.color), all: o.all, times: time.DateOnly + " 15:04", next: "trueup diff --all"})
}

func printNames(w io.Writer, report drift.Report) error {
	for _, o := range report.Objects {
		if o.State == drift.InSync || o.State == drift.Orphaned {
			continue
		}
		if _, err := fmt.Fprintln(w, o.Key().String()); err != nil {
			return err
		}
	}
	return nil
}
