package abi

import "unsafe"

// A time to live is two words of the ABI: whether there is one, and its milliseconds.

//go:wasmimport torana:plugin/kv@0.1.1 get
//go:noescape
func kvGet(key string, result unsafe.Pointer)

//go:wasmimport torana:plugin/kv@0.1.1 set
//go:noescape
func kvSet(key string, value unsafe.Pointer, length uint32, limited bool, ttl uint64, result unsafe.Pointer)

//go:wasmimport torana:plugin/kv@0.1.1 set-if-absent
//go:noescape
func kvSetIfAbsent(key string, value unsafe.Pointer, length uint32, limited bool, ttl uint64, result unsafe.Pointer)

//go:wasmimport torana:plugin/kv@0.1.1 delete
//go:noescape
func kvDelete(key string, result unsafe.Pointer)

//go:wasmimport torana:plugin/kv@0.1.1 add
//go:noescape
func kvAdd(key string, by int64, limited bool, ttl uint64, result unsafe.Pointer)

// kvFailed reads a result whose payload begins at this word.
func kvFailed(payload int) (KVFailure, string) {
	w := words()
	if w[0]&0xff == 0 {
		return KVOk, ""
	}
	failure := KVFailure(w[payload]&0xff) + 1
	if failure == KVUnavailable {
		return failure, text(w[payload+1], w[payload+2])
	}
	return failure, ""
}

// KVGet is kv.get.
func KVGet(key string) (value []byte, found bool, failure KVFailure, reason string) {
	kvGet(key, into())
	if failure, reason = kvFailed(1); failure != KVOk {
		return nil, false, failure, reason
	}
	w := words()
	if w[1]&0xff == 0 {
		return nil, false, KVOk, ""
	}
	return bytes(w[2], w[3]), true, KVOk, ""
}

// KVSet is kv.set; a time to live of 0 is for ever.
func KVSet(key string, value []byte, ttl uint64) (KVFailure, string) {
	kvSet(key, data(value), uint32(len(value)), ttl != 0, ttl, into())
	return kvFailed(1)
}

// KVSetIfAbsent is kv.set-if-absent.
func KVSetIfAbsent(key string, value []byte, ttl uint64) (done bool, failure KVFailure, reason string) {
	kvSetIfAbsent(key, data(value), uint32(len(value)), ttl != 0, ttl, into())
	return kvDone()
}

// KVDelete is kv.delete.
func KVDelete(key string) (done bool, failure KVFailure, reason string) {
	kvDelete(key, into())
	return kvDone()
}

func kvDone() (done bool, failure KVFailure, reason string) {
	failure, reason = kvFailed(1)
	return failure == KVOk && words()[1]&0xff != 0, failure, reason
}

// KVAdd is kv.add.
func KVAdd(key string, by int64, ttl uint64) (sum int64, failure KVFailure, reason string) {
	kvAdd(key, by, ttl != 0, ttl, into())
	// The sum has 64 bits, so the payload begins at the next multiple of eight bytes.
	if failure, reason = kvFailed(2); failure != KVOk {
		return 0, failure, reason
	}
	return int64(area[1]), KVOk, ""
}
