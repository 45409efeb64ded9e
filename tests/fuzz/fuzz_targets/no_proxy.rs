//! Any texts as `NO_PROXY`, as a proxy's address and as a host: nothing panics, this machine is never called through a
//! proxy, and letters' case does not matter.

#![no_main]

use libfuzzer_sys::fuzz_target;
use torana_config::{
    Diagnostics, Pointer, Value, read,
    valid::{ForwardProxy, NoProxy, Proxies},
};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (list, name, address) = (NoProxy::parse(line()), line(), line());
    assert!(list.covers("localhost", 1) && list.covers("::1", 1));
    assert_eq!(list.covers(name, 80), list.covers(&name.to_ascii_uppercase(), 80));
    let address = Value::String(address.to_owned());
    let mut out = Diagnostics::default();
    let Some(proxy) = read::<ForwardProxy>(&address, &Pointer::root(), &mut out) else { return };
    let again = read::<ForwardProxy>(&Value::String(proxy.url()), &Pointer::root(), &mut out);
    assert_eq!(again, Some(ForwardProxy { credentials: None, ..proxy.clone() }));
    assert_eq!(Proxies::all(&proxy).find(true, name, 443), Some(&proxy));
});
