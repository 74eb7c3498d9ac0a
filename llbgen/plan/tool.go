package plan

// Tool is a program that steps of the build use, and that the image does not
// have: a static binary, taken out of a wheel.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	File    string `json:"file"` // of the wheel
	URL     string `json:"url"`
	SHA256  string `json:"sha256"` // hex
}

// UV gives uv for a machine. These are the wheels whose binary is linked
// statically, so that it runs on every base; there is none for other machines
// than amd64 and arm64.
func UV(architecture string) (Tool, bool) {
	tool := Tool{Name: "uv", Version: "0.13.9"}
	switch architecture {
	case "amd64":
		tool.File = "uv-0.13.9-py3-none-musllinux_1_1_x86_64.whl"
		tool.URL = "https://files.pythonhosted.org/packages/fe/fe/794884de0efd3ac77a427cab21aa72c0483e100c55a42cd5cbb02c141b84/" + tool.File
		tool.SHA256 = "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25"
	case "arm64":
		tool.File = "uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl"
		tool.URL = "https://files.pythonhosted.org/packages/57/15/94b6cd62ac3ff6550288328e8035288875197cbc183f51554b266a69877b/" + tool.File
		tool.SHA256 = "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe"
	default:
		return Tool{}, false
	}
	return tool, true
}
