// Package page writes a preview as one HTML file that needs nothing else: no
// network, no fonts, no libraries. It can be searched, reads on a phone, has
// a side-by-side and a unified view, and follows the reader's choice of dark or
// light.
//
// It does not know where the file is kept, nor who may read it.
package page
