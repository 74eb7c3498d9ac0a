// Package e2e proves the promises of the README on a real engine: each test
// builds a project through docker buildx, as a user does, and looks at the
// image or runs it. There is nothing here to import.
package e2e
