package abi

import "unsafe"

//go:wasmimport torana:plugin/cache@0.1.1 claim
//go:noescape
func cacheClaim(key string, limited bool, wait uint32, result unsafe.Pointer)

//go:wasmimport torana:plugin/cache@0.1.1 keep
//go:noescape
func cacheKeep(key string, value unsafe.Pointer, length uint32, limited bool, ttl uint64, result unsafe.Pointer)

//go:wasmimport torana:plugin/cache@0.1.1 release
//go:noescape
func cacheRelease(key string)

func cacheFailed() (CacheFailure, string) {
	w := words()
	if w[0]&0xff == 0 {
		return CacheOk, ""
	}
	failure := CacheFailure(w[1]&0xff) + 1
	if failure == CacheUnavailable {
		return failure, text(w[2], w[3])
	}
	return failure, ""
}

// CacheClaim is cache.claim; a wait of 0 leaves it to the gateway.
func CacheClaim(key string, wait uint32) (value []byte, found bool, failure CacheFailure, reason string) {
	cacheClaim(key, wait != 0, wait, into())
	if failure, reason = cacheFailed(); failure != CacheOk {
		return nil, false, failure, reason
	}
	w := words()
	if w[1]&0xff != 0 {
		return nil, false, CacheOk, ""
	}
	return bytes(w[2], w[3]), true, CacheOk, ""
}

// CacheKeep is cache.keep; a time to live of 0 is for ever.
func CacheKeep(key string, value []byte, ttl uint64) (CacheFailure, string) {
	cacheKeep(key, data(value), uint32(len(value)), ttl != 0, ttl, into())
	return cacheFailed()
}

// CacheRelease is cache.release.
func CacheRelease(key string) { cacheRelease(key) }
