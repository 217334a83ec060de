// Package azure reads team projects and pull requests of Azure DevOps.
//
// It does not know where credentials are, nor who counts requests.
package azure
