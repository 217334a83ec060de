package main

import "github.com/spf13/cobra"

// commands lists every verb, in the order in which help shows them.
func commands(s streams) []*cobra.Command {
	return []*cobra.Command{
		newGetCommand(s),
		newDriftCommand(s),
		newDiffCommand(s),
		newSyncCommand(s),
		newHistoryCommand(s),
		newRenderCommand(s),
		newPreviewCommand(s),
		newAppSetCommand(s),
		newClusterCommand(s),
		newAgentCommand(s),
		newVersionCommand(s),
	}
}
