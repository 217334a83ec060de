package main

import (
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/cmd/sops/formats"
)

const secretYAML = `apiVersion: v1
kind: Secret
metadata:
    name: db
stringData:
    password: correct horse battery staple
    # who may ask
    user: shop
    port: "5432"
`

const typesYAML = `text: "true"
number: 42
big: 1234567890123
ratio: 1.5
flag: true
nothing: null
empty: ""
when: 2026-01-02T03:04:05Z
list:
    - one
    - name: two
      deep:
        - 2
    - []
lines: |
    first
    second
shown_unencrypted: plain
`

const multiYAML = `apiVersion: v1
kind: ConfigMap
metadata:
    name: first
data:
    a: alpha-value
---
apiVersion: v1
kind: ConfigMap
metadata:
    name: second
data:
    b: beta-value
`

const commentYAML = `apiVersion: v1
kind: Secret
metadata:
    name: db
stringData:
    # sops:keep
    user: shop
    password: correct horse battery staple
    host: db.example.com # sops:keep
    nested:
        # sops:keep
        shown: yes-it-is
        hidden: no-it-is-not
`

func fixtures(alice, bob, carol string) []fixture {
	vault, aws, gcp, azure := clouds()
	toAlice := groups(sops.KeyGroup{toAge(alice)})
	of := func(out string, format formats.Format, plain string, meta sops.Metadata) fixture {
		return fixture{out: "internal/secret/testdata/sealed/" + out, format: format, plain: plain, meta: meta}
	}
	partial := sops.Metadata{KeyGroups: toAlice, EncryptedRegex: "^(data|stringData)$"}
	return []fixture{
		of("types.yaml", formats.Yaml, typesYAML, sops.Metadata{KeyGroups: toAlice}),
		of("secret.yaml", formats.Yaml, secretYAML, partial),
		of("multi.yaml", formats.Yaml, multiYAML, partial),
		of("mac-only.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: toAlice, EncryptedRegex: "^stringData$", MACOnlyEncrypted: true}),
		of("suffix.yaml", formats.Yaml, "token_secret: hidden-value\nname: shown\n", sops.Metadata{KeyGroups: toAlice, EncryptedSuffix: "_secret"}),
		of("unencrypted-regex.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: toAlice, UnencryptedRegex: "^(apiVersion|kind|metadata)$"}),
		of("comment.yaml", formats.Yaml, commentYAML, sops.Metadata{KeyGroups: toAlice, UnencryptedCommentRegex: "sops:keep"}),
		of("comment-encrypted.yaml", formats.Yaml, commentYAML, sops.Metadata{KeyGroups: toAlice, EncryptedCommentRegex: "sops:keep"}),
		of("data.json", formats.Json, `{"text":"a\"b\u00e9\ud83d\ude00","n":42,"f":1.5,"big":1e21,"ok":true,"none":null,"list":["x",{"y":[1,2]}],"empty":{},"note_unencrypted":"<plain>"}`, sops.Metadata{KeyGroups: toAlice}),
		of("app.env", formats.Dotenv, "# database\nUSER=shop\nPASSWORD=correct horse=battery\nLINES=one\\ntwo\n", sops.Metadata{KeyGroups: toAlice}),
		of("app.ini", formats.Ini, "[db]\nuser = shop\npassword = correct horse\n\n[web]\nport = 80\n", sops.Metadata{KeyGroups: toAlice}),
		of("token", formats.Binary, "s3cr3t\x00token\n", sops.Metadata{KeyGroups: toAlice}),
		of("pgp.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(sops.KeyGroup{toPGP(carol)}), EncryptedRegex: "^stringData$"}),
		of("bob.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(sops.KeyGroup{toAge(bob)}), EncryptedRegex: "^stringData$"}),
		of("either.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(sops.KeyGroup{toAge(alice), toAge(bob), toPGP(carol)}), EncryptedRegex: "^stringData$"}),
		of("both.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(sops.KeyGroup{toAge(alice)}, sops.KeyGroup{toPGP(carol)}, sops.KeyGroup{toAge(bob)}), ShamirThreshold: 2, EncryptedRegex: "^stringData$"}),
		of("vault.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(vault), EncryptedRegex: "^stringData$"}),
		of("aws.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(aws), EncryptedRegex: "^stringData$"}),
		of("gcp.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(gcp), EncryptedRegex: "^stringData$"}),
		of("azure.yaml", formats.Yaml, secretYAML, sops.Metadata{KeyGroups: groups(azure), EncryptedRegex: "^stringData$"}),
	}
}

func examples(key string) []fixture {
	meta := sops.Metadata{KeyGroups: groups(sops.KeyGroup{toAge(key)}), EncryptedRegex: "^(data|stringData)$"}
	all := sops.Metadata{KeyGroups: meta.KeyGroups}
	of := func(out string, format formats.Format, plain string, meta sops.Metadata) fixture {
		return fixture{out: "examples/sops/config/" + out, format: format, plain: plain, meta: meta}
	}
	return []fixture{
		of("directory/secret.yaml", formats.Yaml, secretYAML, meta),
		of("kustomize/app.env", formats.Dotenv, "USER=shop\nPASSWORD=correct horse battery staple\n", all),
		of("kustomize/token.txt", formats.Binary, "s3cr3t-token\n", all),
		of("kustomize/patch.yaml", formats.Yaml, "apiVersion: v1\nkind: Secret\nmetadata:\n    name: tls\nstringData:\n    key: patched-by-an-encrypted-file\n", meta),
		of("helm/secrets.eu.yaml", formats.Yaml, "db:\n    password: correct horse battery staple\n", all),
	}
}
