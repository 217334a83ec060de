package kustomize_test

import (
	"testing"
)

// TestValuesOfObjectsAreNotTold: kustomize quotes patches and objects in its
// errors, and those of Secrets must not be read there.
func TestValuesOfObjectsAreNotTold(t *testing.T) {
	t.Parallel()
	const (
		begun   = "resources: [s.yaml]\n"
		patched = "apiVersion: v1\n    kind: Secret\n    metadata: {name: s}\n    stringData:\n      PW: "
		nobody  = "apiVersion: v1\n    kind: Secret\n    metadata: {nam: s}\n    stringData:\n      PW: "
	)
	for _, tc := range []struct{ reason, kustomization, want string }{
		{"a broken patch", begun + "patches:\n- patch: |-\n    " + patched + "'a`: hunter2 \\\"]\n", "patches[0].patch is not YAML: yaml: line 5: found unexpected end of stream"},
		{"a file with a broken patch", begun + "patches: [{path: broken.yaml}]\n", "patches[0].path: broken.yaml is not YAML: yaml: line 2: found unexpected end of stream"},
		{"a broken patch behind another", begun + "patches:\n- patch: |-\n    {}\n    ---\n    " + patched + "'hunter2\n", "from the text of an entry"},
		{"a patch of nobody", begun + "patches:\n- patch: |-\n    " + nobody + "'a`: hunter2'\n", "patches: unable to parse SM or JSON patch from the text of an entry"},
		{"patches of one target", begun + "patches:\n- target: {kind: Secret}\n  patch: |-\n    " + patched + "hunter2\n    ---\n    " + patched + "hunter2\n", "the text of an entry"},
		{"a broken patch of the old kind", begun + "patchesStrategicMerge:\n- |-\n    " + patched + "'a`: hunter2\n",
			"patchesStrategicMerge: the text of an entry is neither YAML with a kind and a name nor a file"},
		{"one of nobody", begun + "patchesStrategicMerge:\n- |-\n    " + nobody + "'a`: hunter2'\n", "the text of an entry is neither"},
		{"one of nobody in a line", begun + "patchesStrategicMerge: ['{kind: Secret, stringData: {PW: hunter2}}']\n", "the text of an entry is neither"},
		{"a broken list of operations", begun + "patchesJson6902:\n- target: {kind: Secret, version: v1, name: s}\n  patch: |-\n    - {op: test, path: /a, value: 'a`: hunter2}\n", "patchesJson6902: yaml"},
		{"no list of operations", begun + "patchesJson6902:\n- target: {kind: Secret, version: v1, name: s}\n  patch: '{\"op\": \"hunter2: x\"}'\n", "cannot unmarshal"},
		{"a list of operations without a target", begun + "patchesJson6902:\n- target: {kind: Secret, version: v1}\n  patch: |-\n    - {op: add, path: /a, value: hunter2}\n", "patchesJson6902"},
		{"a list of operations, by a plugin", begun + "transformers:\n- |-\n    {apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, patch: '[{op: add, path: /a, value: hunter2}]', path: s.yaml}\n", "same time"},
		{"a source that is no map", begun + "replacements: [{source: {kind: Secret, fieldPath: stringData.PW.x}, targets: [{select: {kind: Secret}, fieldPaths: [stringData.b]}]}]\n",
			"wrong node kind: expected MappingNode but got ScalarNode"},
		{"a target that is no map", begun + "replacements: [{source: {kind: Secret, fieldPath: stringData}, targets: [{select: {kind: Secret}, fieldPaths: [stringData.PW.x]}]}]\n",
			"wrong node kind: expected MappingNode but got ScalarNode"},
		{"a part that is not there", begun + "replacements: [{source: {kind: Secret, fieldPath: stringData.PW, options: {delimiter: '-', index: 7}}, targets: [{select: {kind: Secret}, fieldPaths: [data]}]}]\n",
			"options.index 7 is out of bounds for the value"},
		{"metadata that is a text", "resources: [text.yaml]\nnamePrefix: a-\n", "text.yaml"},
		{"no name", "resources: [nobody.yaml]\n", "missing metadata.name'"},
		{"labels in what is a text", "resources: [labels.yaml]\nlabels: [{pairs: {a: b}}]\n", "labels"},
		{"a value that looks like an alias", "resources: [alias.yaml]\n", "an alias without an anchor"},
	} {
		files := map[string]string{
			"app/kustomization.yaml": tc.kustomization, "app/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {PW: hunter2, b: hunter2}\n",
			"app/text.yaml": "apiVersion: v1\nkind: Secret\nmetadata: hunter2\n", "app/labels.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: hunter2}\n",
			"app/nobody.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {annotations: {a: hunter2}}\n", "app/broken.yaml": "kind: Secret\nstringData: {PW: 'hunter2}\n",
			"app/alias.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {PW: *hunter2}\n",
		}
		failsWithout(t, tc.reason, files, tc.want)
	}
}
