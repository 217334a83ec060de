package origin

import "time"

// Declaration is where Git declares a value, and who touched that last.
type Declaration struct {
	// Repository is where File is, where that is not the application's own
	// source.
	Repository string `json:"repository,omitempty"`
	File       string `json:"file"`
	// Line counts from 1; 0 is not known.
	Line int `json:"line,omitempty"`
	// Precision is line where the line declares the very value; object where
	// the object's description begins there, and file where nothing but the
	// file is known. Then the commit is the last that changed the file.
	Precision string `json:"precision"`
	// Commit, Author, Subject and Time are those of the last commit that
	// touched it, empty where that is not known. An author is whom the commit
	// names: nobody proved it.
	Commit  string     `json:"commit,omitempty"`
	Author  string     `json:"author,omitempty"`
	Subject string     `json:"subject,omitempty"`
	Time    *time.Time `json:"time,omitempty"`
	// Older says that the history is not known that far back: Time is that of
	// the oldest commit that was seen, and there is no Commit.
	Older bool `json:"older,omitempty"`
}
