package manifest

import (
	"fmt"
	"strings"
	"testing"
)

func deployments(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  labels: {app: web, tier: front}
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.2.3
        ports:
        - containerPort: 8080
        resources:
          requests: {cpu: 100m, memory: 128Mi}
`, i)
	}
	return b.String()
}

// BenchmarkLocate reads 100 Deployments, as documents, as a list, and as a list
// whose items' lines no scan can tell.
func BenchmarkLocate(b *testing.B) {
	docs := deployments(100)
	list := "apiVersion: v1\nkind: List\nitems:\n" + strings.ReplaceAll(strings.ReplaceAll("\n"+docs, "\n---\napi", "\n- api"), "\n ", "\n   ")
	list = strings.NewReplacer("\nkind: D", "\n  kind: D", "\nmetadata:", "\n  metadata:", "\nspec:", "\n  spec:").Replace(list)
	for name, in := range map[string]string{"documents": docs, "list": list, "list of another form": strings.Replace(list, "items:", "\"items\":", 1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if items, err := Locate(strings.NewReader(in), "in.yaml"); err != nil || len(items) != 100 {
					b.Fatal(len(items), err)
				}
			}
		})
	}
}
