package plan

// Account is what the image has for the user that it runs as. Without a user,
// it has certificate authorities all the same.
type Account struct {
	User string   `json:"user,omitempty"` // name; empty for root and for numbers
	Own  []string `json:"own,omitempty"`  // absolute paths that the user gets, with all below
	Path string   `json:"path,omitempty"` // PATH of login shells
}
