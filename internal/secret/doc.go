// Package secret opens files that SOPS encrypted.
//
// It reads SOPS's format itself, in all five forms, and verifies the MAC: the
// library of the SOPS project brings the SDKs of every cloud with it, and runs
// gpg. Data keys are opened with age and PGP keys in memory, or by one request
// to Vault, AWS, Google Cloud or Azure. No program is run, no file and no
// environment is read but what the caller names.
//
// It does not know Kubernetes, Git, nor which engine reads the plain text.
package secret
