// Package ui clicks through the dashboard with a real browser; there is nothing in it but tests. They make the pictures of
// docs/images when VOLLEY_SCREENSHOTS names a folder.
package ui
