package origin_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/object"
)

// wanted reads "Kind name path" and the rendered object of it.
func wanted(t *testing.T, what, rendered string) origin.Wanted {
	t.Helper()
	items, err := manifest.Parse(strings.NewReader(rendered), "rendered")
	if err != nil || len(items) != 1 {
		t.Fatalf("%d objects: %v", len(items), err)
	}
	path, err := object.ParsePath(what)
	if err != nil {
		t.Fatal(err)
	}
	if len(path) == 0 {
		return origin.Wanted{Object: object.KeyOf(items[0])}
	}
	w, ok := origin.Want(object.KeyOf(items[0]), items[0].Object, path)
	if !ok {
		t.Fatalf("%s is not in the object", what)
	}
	return w
}

func text(content string) *origin.Files {
	return origin.NewFiles(fstest.MapFS{"f.yaml": &fstest.MapFile{Data: []byte(content)}})
}

func files(archive string) *origin.Files {
	out := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		out[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return origin.NewFiles(out)
}

func shown(p origin.Place) string {
	switch p.From {
	case 0:
		return fmt.Sprintf("%s %s", p.File, p.Precision)
	case p.To:
		return fmt.Sprintf("%s:%d %s", p.File, p.From, p.Precision)
	}
	return fmt.Sprintf("%s:%d-%d %s", p.File, p.From, p.To, p.Precision)
}

const web = `# two things
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports:
  - port: 80
    name: http
  - {port: 81, name: admin}
---
# The shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: &labels
    app: web
    example.com/team: "42"
spec:
  replicas: 3
  paused: off
  template:
    metadata:
      labels:
        <<: *labels
        tier: front
    spec:
      containers:
      - name: web
        image: nginx:1.27
        args:
        - --port
        - "80"
        # the end
      - name: log
        command:
        - sh
        - -c
        - |
          while true; do

            sleep 1
          done

        image: busybox
`

func TestPlain(t *testing.T) {
	t.Parallel()
	const list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {k: x}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data:\n    k: x\n"
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: hunter2\ndata:\n  token: ENC[AES256_GCM,data:abc]\n"
	service, deployment := web[:strings.Index(web, "---")], web[strings.Index(web, "# The shop."):]
	for _, tc := range []struct {
		reason, text, rendered, path string
		begin                        int
		want                         string
	}{
		{"a number", web, deployment, "spec.replicas", 11, "f.yaml:20 line"},
		{"yes and off are booleans for Kubernetes", web, deployment, "spec.paused", 11, "f.yaml:21 line"},
		{"a text that looks like a number, under a key with a slash", web, deployment, `metadata.labels["example.com/team"]`, 11, "f.yaml:18 line"},
		{"what a map takes over from elsewhere is declared there", web, deployment, "spec.template.metadata.labels.app", 11, "f.yaml:17 line"},
		{"an item by its key", web, deployment, "spec.template.spec.containers[name=log].image", 11, "f.yaml:45 line"},
		{"a list as a whole", web, deployment, "spec.template.spec.containers[name=web].args", 11, "f.yaml:31-33 line"},
		{"a block of text ends with its last line", web, deployment, "spec.template.spec.containers[name=log].command", 11, "f.yaml:36-43 line"},
		{"an item more of a list: the list is what is declared", web, deployment, "spec.template.spec.containers[name=web].args[2]", 11, "f.yaml:31-33 line"},
		{"a key with a default that the file leaves open", web, service, "spec.ports[port=80,protocol=TCP].name", 2, "f.yaml:8 line"},
		{"JSON in YAML", web, service, "spec.ports[port=81,protocol=TCP].name", 2, "f.yaml:9 line"},
		{"the second object of a list", list, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {k: x}\n", "data.k", 8, "f.yaml:12 line"},
		{"by its name, where the line is not known", list, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {k: x}\n", "data.k", 0, "f.yaml:12 line"},
		{"another value is in the file: not there", web, strings.Replace(deployment, "replicas: 3", "replicas: 4", 1), "spec.replicas", 11, "f.yaml:11 object"},
		{"plain text of a Secret", secret, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: aHVudGVyMg==}\n", "data.password", 1, "f.yaml:5 line"},
		{"what is encrypted in the file", secret, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {token: cGxhaW4=}\n", "data.token", 1, "f.yaml:7 line"},
		{"the object", web, deployment, "", 11, "f.yaml:12-45 line"},
		{"a file that is no YAML", "{{ if }}\nreplicas: 3\n", deployment, "spec.replicas", 1, "f.yaml:1 object"},
		{"aliases that lead to themselves", "kind: Deployment\nmetadata: {name: web}\nspec: &a\n  b: *a\n", deployment, "spec.replicas", 1, "f.yaml:1 object"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			got := shown(origin.Plain(text(tc.text), origin.At("f.yaml", tc.begin), wanted(t, tc.path, tc.rendered)))
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

const overlays = `
-- base/kustomization.yaml --
resources: [web.yaml]
replicas:
- {name: web, count: 2}
-- base/web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 5
  minReadySeconds: 7
  revisionHistoryLimit: 4
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.0
        imagePullPolicy: Always
-- part/kustomization.yaml --
kind: Component
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      # slower
      progressDeadlineSeconds: 30
-- prod/kustomization.yaml --
namePrefix: prod-
resources: [../base]
components:
- ../part
images:
- name: nginx
  newTag: "1.27"
commonAnnotations:
  team: shop
patches:
- path: scale.yaml
- target: {kind: Deployment, name: w.*}
  patch: |-
    - op: add
      path: /spec/paused
      value: true
    - op: replace
      path: /spec/template/spec/containers/0/imagePullPolicy
      value: Never
- target: {kind: Deployment, labelSelector: a=b}
  patch: '[{"op": "replace", "path": "/spec/minReadySeconds", "value": 7}]'
configMapGenerator:
- name: conf
  literals: [a=1]
  files: [nginx.conf=web/nginx.conf]
-- prod/scale.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 9
  revisionHistoryLimit: 3
  strategy:
    type: Recreate
-- prod/web/nginx.conf --
a
b
`

func TestOverlaid(t *testing.T) {
	t.Parallel()
	const rendered = `apiVersion: apps/v1
kind: Deployment
metadata: {name: prod-web, annotations: {team: shop}}
spec:
  replicas: 9
  paused: true
  minReadySeconds: 7
  progressDeadlineSeconds: 30
  revisionHistoryLimit: 4
  strategy: {type: Recreate}
  template: {spec: {containers: [{name: web, image: "nginx:1.27", imagePullPolicy: Never}]}}
`
	const conf = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prod-conf-abc}\ndata: {a: '1', nginx.conf: \"a\\nb\\n\"}\n"
	all := files(overlays)
	for _, tc := range []struct{ reason, dir, rendered, path, want string }{
		{"a patch is put over what the base says", "prod", rendered, "spec.replicas", "prod/scale.yaml:6 line"},
		{"of the base alone, its own replicas count", "base", strings.NewReplacer("prod-web", "web", "replicas: 9", "replicas: 2").Replace(rendered), "spec.replicas", "base/kustomization.yaml:3 line"},
		{"what nothing touches is in the manifest", "prod", rendered, "spec.minReadySeconds", "base/web.yaml:7 line"},
		{"a patch of a component", "prod", rendered, "spec.progressDeadlineSeconds", "part/kustomization.yaml:10 line"},
		{"an image's tag", "prod", rendered, "spec.template.spec.containers[name=web].image", "prod/kustomization.yaml:7 line"},
		{"an operation of a JSON patch", "prod", rendered, "spec.paused", "prod/kustomization.yaml:16 line"},
		{"one that goes into a list", "prod", rendered, "spec.template.spec.containers[name=web].imagePullPolicy", "prod/kustomization.yaml:19 line"},
		{"a map as a whole", "prod", rendered, "spec.strategy", "prod/scale.yaml:8-9 line"},
		{"an annotation that is put on everything", "prod", rendered, "metadata.annotations.team", "prod/kustomization.yaml:9 line"},
		{"a patch sets another value than was rendered: what made it is not known", "prod", rendered, "spec.revisionHistoryLimit", "base/web.yaml:1 object"},
		{"a literal", "prod", conf, "data.a", "prod/kustomization.yaml:24 line"},
		{"a file that is the value", "prod", conf, `data["nginx.conf"]`, "prod/web/nginx.conf:1-2 line"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			base := origin.At("base/web.yaml", 1)
			if tc.rendered == conf {
				base = origin.At("prod/kustomization.yaml", 23)
			}
			if got := shown(origin.Overlaid(all, tc.dir, base, wanted(t, tc.path, tc.rendered))); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// FuzzPlain: whatever is in a file, it is looked through in an end, and lines
// that are told are in it.
func FuzzPlain(f *testing.F) {
	f.Add(web, "spec.replicas", 11)
	f.Add("kind: Deployment\nspec: &a\n  b: *a\n  <<: [*a, *a]\n", "spec.b.b.c", 0)
	f.Add("kind: List\nitems:\n- kind: Deployment\n  spec: |\n    x\n", "spec", 1)
	f.Fuzz(func(t *testing.T, content, path string, begin int) {
		p, err := object.ParsePath(path)
		if err != nil || begin < 0 {
			return
		}
		w := origin.Wanted{Object: object.Key{Group: "apps", Kind: "Deployment", Name: "web"}, Path: p, Value: "x"}
		at := origin.Plain(text(content), origin.At("f.yaml", begin), w)
		if n := strings.Count(content, "\n") + 1; at.Precision == origin.Line && (at.From < 1 || at.To < at.From || at.To > n) {
			t.Errorf("lines %d to %d of %d", at.From, at.To, n)
		}
	})
}
