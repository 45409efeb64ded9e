package abi

import "unsafe"

//go:wasmimport torana:plugin/data@0.1.1 get
//go:noescape
func dataGet(pointer string, result unsafe.Pointer)

//go:wasmimport torana:plugin/data@0.1.1 set
//go:noescape
func dataSet(pointer, json string, result unsafe.Pointer)

//go:wasmimport torana:plugin/data@0.1.1 remove
//go:noescape
func dataRemove(pointer string, result unsafe.Pointer)

//go:wasmimport torana:plugin/data@0.1.1 query
//go:noescape
func dataQuery(path string, result unsafe.Pointer)

//go:wasmimport torana:plugin/data@0.1.1 replace
//go:noescape
func dataReplace(path, json string, result unsafe.Pointer)

// DataGet is data.get.
func DataGet(pointer string) (string, bool) {
	dataGet(pointer, into())
	return optional()
}

// DataSet is data.set.
func DataSet(pointer, json string) error {
	dataSet(pointer, json, into())
	return refused()
}

// DataRemove is data.remove.
func DataRemove(pointer string) (bool, error) {
	dataRemove(pointer, into())
	if err := refused(); err != nil {
		return false, err
	}
	return words()[1]&0xff != 0, nil
}

// DataQuery is data.query.
func DataQuery(path string) ([]Match, error) {
	dataQuery(path, into())
	if err := refused(); err != nil {
		return nil, err
	}
	w := words()
	all := make([]Match, w[2])
	for i := range all {
		r := record(w[1], i, 4)
		all[i] = Match{text(r[0], r[1]), text(r[2], r[3])}
	}
	return all, nil
}

// DataReplace is data.replace.
func DataReplace(path, json string) (int, error) {
	dataReplace(path, json, into())
	if err := refused(); err != nil {
		return 0, err
	}
	return int(words()[1]), nil
}
