package plan

// Account is the user of the image.
type Account struct {
	User string   `json:"user,omitempty"` // its name, made if the base has none; empty where nothing is made
	Own  []string `json:"own,omitempty"`  // directories that belong to it
	Path string   `json:"path,omitempty"` // PATH of its login shells
}
