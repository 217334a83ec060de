//go:build !race

package jsonnet_test

const raced = false
