;; What the Go runtime and the C library take for WASI preview 1: the calls it makes are answered by the gateway's own interfaces, and by
;; standard error; all others say that there is no such thing. Nothing ever waits, and nothing here needs memory of its
;; own.
;;
;; Numbers of errors: 8 no such file descriptor, 52 not offered.
(module
  (import "env" "memory" (memory 0))
  (import "torana:plugin/clock@{{version}}" "now-ms" (func $now (result i64)))
  (import "torana:plugin/clock@{{version}}" "monotonic-ns" (func $monotonic (result i64)))
  (import "torana:plugin/random@{{version}}" "get-u64" (func $random (result i64)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $print (param $stream i32) (param $bytes i32) (param $length i32) (param $result i32)))

  ;; The handle of standard error; handles begin with 1.
  (global $stream (mut i32) (i32.const 0))

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $time i32) (result i32)
    (i64.store (local.get $time)
      (if (result i64) (i32.eqz (local.get $clock))
        (then (i64.mul (call $now) (i64.const 1000000)))
        (else (call $monotonic))))
    (i32.const 0))

  ;; Eight bytes at a time, and the rest from one number more.
  (func (export "random_get") (param $to i32) (param $length i32) (result i32)
    (local $number i64)
    (block $rest
      (loop $eight
        (br_if $rest (i32.lt_u (local.get $length) (i32.const 8)))
        (i64.store align=1 (local.get $to) (call $random))
        (local.set $to (i32.add (local.get $to) (i32.const 8)))
        (local.set $length (i32.sub (local.get $length) (i32.const 8)))
        (br $eight)))
    (local.set $number (call $random))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $length)))
        (i64.store8 (local.get $to) (local.get $number))
        (local.set $number (i64.shr_u (local.get $number) (i64.const 8)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $one)))
    (i32.const 0))

  ;; Standard output goes where standard error goes. The result of $print takes twelve bytes: they are borrowed from
  ;; where the list of buffers lies, after that has been read, and put back.
  (func (export "fd_write") (param $fd i32) (param $buffers i32) (param $count i32) (param $written i32) (result i32)
    (local $bytes i32) (local $length i32) (local $sum i32) (local $low i64) (local $high i32)
    (if (i32.or (i32.eqz (local.get $fd)) (i32.gt_u (local.get $fd) (i32.const 2)))
      (then (return (i32.const 8))))
    (if (i32.eqz (global.get $stream)) (then (global.set $stream (call $stderr))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $bytes (i32.load (local.get $buffers)))
        (local.set $length (i32.load offset=4 (local.get $buffers)))
        (local.set $low (i64.load align=4 (local.get $buffers)))
        (local.set $high (i32.load offset=8 (local.get $buffers)))
        (call $print (global.get $stream) (local.get $bytes) (local.get $length) (local.get $buffers))
        (i64.store align=4 (local.get $buffers) (local.get $low))
        (i32.store offset=8 (local.get $buffers) (local.get $high))
        (local.set $sum (i32.add (local.get $sum) (local.get $length)))
        (local.set $buffers (i32.add (local.get $buffers) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; Every wait is over at once: the runtime looks at the clock and asks again, until its call's time is up.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $events i32) (result i32)
    (i64.store (local.get $out) (i64.load (local.get $in)))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i32.store (local.get $events) (i32.const 1))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) unreachable)

  ;; No arguments, no environment.
  (func (export "args_get") (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (export "environ_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))

  ;; No open files, and no folders to find any in.
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (export "fd_fdstat_set_flags") (export "fd_prestat_get")
    (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))

  ;; Not offered.
  (func (export "fd_datasync") (export "fd_sync") (export "proc_raise") (param i32) (result i32) (i32.const 52))
  (func (export "fd_filestat_get") (export "fd_tell") (export "fd_renumber") (export "sock_shutdown")
    (export "clock_res_get") (param i32 i32) (result i32) (i32.const 52))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 52))
  (func (export "path_create_directory") (export "path_remove_directory") (export "path_unlink_file")
    (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "fd_allocate") (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 52))
  (func (export "fd_advise") (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 52))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "fd_pread") (export "fd_pwrite") (export "fd_readdir")
    (param i32 i32 i32 i64 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_get") (export "path_symlink") (export "sock_send")
    (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_readlink") (export "path_rename") (export "sock_recv")
    (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 52)))
