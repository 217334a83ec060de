package layer

// Module is the path of the module the rules speak about.
const Module = "github.com/trueup-dev/trueup"

// Levels gives each package its layer. A package imports packages of its own
// layer or of lower ones only; "*" stands for everything below a folder.
var Levels = []struct { //nolint:gochecknoglobals // a table that nobody writes
	Package string
	Level   int
}{
	{"api/misfit", 0},
	{"api/v1alpha1", 0},
	{"api/document", 0},
	{"internal/object", 0},
	{"internal/fault", 0},
	{"internal/redact", 0},
	{"internal/repourl", 0},
	{"internal/markdown", 0},
	{"internal/snapshot", 1},
	{"internal/merge", 1},
	{"drift/*", 1},
	{"internal/health", 1},
	{"internal/render", 2},
	{"internal/render/rendertest", 2},
	{"reconcile/plan", 2},
	{"reconcile/limits", 2},
	{"reconcile/declared", 3},
	{"reconcile/doubt", 2},
	{"reconcile/apply", 3},
	{"reconcile", 4},
	{"adopt/value", 1},
	{"adopt/values", 1},
	{"adopt/edit", 1},
	{"adopt/overlay", 1},
	{"adopt/patch", 1},
	{"adopt", 3},
	{"adopt/proposal", 3},
	{"appset/filter", 3},
	{"appset/param", 3},
	{"appset/place", 2},
	{"appset/outline", 3},
	{"appset/content", 3},
	{"appset/pick", 3},
	{"appset/text", 3},
	{"appset/ignore", 3},
	{"appset/fill", 3},
	{"appset/lifecycle", 4},
	{"appset/rollout", 4},
	{"appset/reads", 4},
	{"appset", 4},
	{"preview/risk", 2},
	{"preview/risk/narrow", 1},
	{"preview/risk/decoded", 0},
	{"preview/risk/reach", 1},
	{"preview/policy", 2},
	{"preview", 4},
	{"preview/show", 4},
	{"preview/fence", 2},
	{"preview/search", 2},
	{"preview/found", 4},
	{"preview/sides", 4},
	{"preview/trial", 4},
	{"preview/page", 4},
	{"preview/comment", 4},
	{"preview/live", 4},
	{"preview/post", 4},
	{"preview/queue", 4},
	{"preview/follow", 4},
	{"internal/git", 5},
	{"internal/git/*", 5},
	{"internal/kustomize", 5},
	{"internal/helm", 5},
	{"internal/registry", 5},
	{"internal/jsonnet", 5},
	{"internal/kube", 5},
	{"internal/diskcache", 5},
	{"internal/secret", 5},
	{"internal/scm", 5},
	{"internal/scm/*", 5},
	{"internal/plugin", 5},
	{"internal/policy", 5},
	{"internal/policy/*", 5},
	{"internal/history", 5},
	{"internal/history/*", 5},
	{"deploy/crds", 5},
	{"agent/*", 6},
	{"cmd/*", 7},
	{"internal/layer", 7},
	{"internal/clustertest", 0},
	{"internal/forgetest", 5},
	{"internal/golden", 0},
}

// CoreLevel is the highest layer that must stay free of the outside world.
const CoreLevel = 4

// Banned lists what the core may not import, each with the reason.
var Banned = map[string]string{ //nolint:gochecknoglobals // a table that nobody writes
	"k8s.io/client-go":               "the core is pure: reach clusters through a port",
	"sigs.k8s.io/controller-runtime": "controllers call the core, never the reverse",
	"github.com/go-git/go-git":       "the core reads files through fs.FS",
	"oras.land/oras-go":              "the core reads files through fs.FS",
	"helm.sh/helm":                   "engines stand behind render.Engine",
	"github.com/google/go-jsonnet":   "evaluation cannot be stopped in this process: it stands behind render.Evaluator",
	"sigs.k8s.io/kustomize":          "engines stand behind render.Engine",
	"database/sql":                   "the core returns facts; an adapter stores them",
	"net/http":                       "the core asks nobody: what it needs is passed in",
}

// OneWriter are the packages that may delete or apply objects: every other
// one describes what it wants as a plan.
var OneWriter = map[string]string{ //nolint:gochecknoglobals // a table that nobody writes
	"reconcile/apply": "the only package that writes to a cluster, which keeps the safety review to one place",
}

// Budgets. They are about the tail: most files should be far smaller.
const (
	MaxFileLines     = 400
	MaxFunctionLines = 80
	MaxPackageLines  = 1500
	MaxParameters    = 5 // four, and the context
	MaxMethods       = 5
)

// Exceptions to a budget, each with its reason. The key is the file, the
// folder for a package, or file:function.
var Exceptions = map[string]string{ //nolint:gochecknoglobals // a table that nobody writes
	"api/v1alpha1":    "one version of a group is one package to all who decode it",
	"internal/render": "a request is traced, bounded, decrypted and kept by values that no engine may see; apart they would be exported",
	"adopt":           "the ways to write a value for each kind of source share one proof and what it decided so far; apart they would export all of it",
	"drift":           "what a default is decides both what differs and how a live value is written down; apart the comparison's places would be exported",
	"reconcile":       "the flow, what it remembers and the status it tells share their values; apart they would export all of them",
}
