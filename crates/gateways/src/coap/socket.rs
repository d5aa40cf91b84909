//! Datagrams between a socket and its task, many with each call of the kernel.
//!
//! Sockets of one address share its port (SO_REUSEPORT): the kernel hands what one peer sends to the same socket always. What came
//! to an address of this machine is answered from that address.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use bytes::Bytes;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// All CoAP nodes of a network (RFC 7252, section 12.8).
pub const ALL_NODES: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 187);
/// Bytes that the kernel holds for a socket that is busy, where it lets us.
const KERNEL_BYTES: usize = 4 << 20;
/// The longest datagram, or several that the kernel joined.
const DATAGRAM: usize = 65_535;
/// What the kernel sends as several datagrams has at most so many bytes.
const JOINED_BYTES: usize = 60_000;

/// Who sends, and to which address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) local: Option<IpAddr>,
}

/// A bound socket and what is read from it.
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    room: Vec<u8>,
    /// Bytes of one of the rooms.
    each: usize,
}

/// Binds sockets that share an address, whose port may be 0 for a free one. Fails when any other program has it, also one that would
/// share it.
pub fn bind(address: SocketAddr, sockets: usize) -> io::Result<Vec<std::net::UdpSocket>> {
    let address = std::net::UdpSocket::bind(address)?.local_addr()?;
    (0..sockets).map(|_| bind_one(address)).collect()
}

fn bind_one(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    if address.is_ipv4() {
        // What is sent to a group is for the socket that joined it.
        socket.set_multicast_all_v4(false)?;
    }
    finish(socket, address)
}

/// Binds the socket of the group of all nodes, on a port.
pub fn bind_group(port: u16) -> io::Result<std::net::UdpSocket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Beside the sockets of all addresses, and those of other programs that hear the group.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.join_multicast_v4(&ALL_NODES, &Ipv4Addr::UNSPECIFIED)?;
    finish(socket, SocketAddrV4::new(ALL_NODES, port).into())
}

fn finish(socket: socket2::Socket, address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    socket.set_nonblocking(true)?;
    if let Err(error) = socket.set_recv_buffer_size(KERNEL_BYTES) {
        tracing::debug!(%error, "the kernel's buffer of CoAP stays as it is");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

impl Socket {
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let state = UdpSocketState::new((&socket).into())?;
        let each = DATAGRAM;
        Ok(Self { socket, state, room: vec![0; each * BATCH_SIZE], each })
    }

    /// Waits until there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Hands over what is there, as much as one call of the kernel brings; how many datagrams, 0 if there is nothing.
    pub(super) fn receive(&mut self, mut into: impl FnMut(Peer, Bytes)) -> io::Result<usize> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let (socket, state, each) = (&self.socket, &self.state, self.each);
        let mut rooms: Vec<IoSliceMut<'_>> = self.room.chunks_exact_mut(each).map(IoSliceMut::new).collect();
        let received = socket.try_io(Interest::READABLE, || state.recv(socket.into(), &mut rooms, &mut metas));
        let count = match received {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut datagrams = 0;
        for (meta, room) in metas.iter().take(count).zip(self.room.chunks_exact(each)) {
            let joined = Bytes::copy_from_slice(room.get(..meta.len).unwrap_or_default());
            let peer = Peer { address: canonical(meta.addr), local: meta.dst_ip };
            let stride = meta.stride.max(1);
            for start in (0..joined.len()).step_by(stride) {
                datagrams += 1;
                into(peer, joined.slice(start..joined.len().min(start + stride)));
            }
        }
        Ok(datagrams)
    }

    /// Sends datagrams in their order. What the network does not take is lost, as datagrams are.
    pub(super) async fn send(&self, datagrams: &mut Vec<(Peer, Bytes)>) {
        let most = self.state.max_gso_segments();
        let mut rest = datagrams.as_slice();
        let mut joined = Vec::new();
        while let Some((peer, first)) = rest.first() {
            let alike =
                rest.iter().take(most.max(1)).take_while(|(to, bytes)| to == peer && bytes.len() == first.len());
            let together = alike.count().min(JOINED_BYTES / first.len().max(1)).max(1);
            let contents: &[u8] = match together {
                1 => first,
                _ => {
                    joined.clear();
                    rest.iter().take(together).for_each(|(_, bytes)| joined.extend_from_slice(bytes));
                    &joined
                }
            };
            self.transmit(&Transmit {
                destination: peer.address,
                ecn: None,
                contents,
                segment_size: (together > 1).then_some(first.len()),
                src_ip: peer.local,
            })
            .await;
            rest = rest.get(together..).unwrap_or_default();
        }
        datagrams.clear();
    }

    async fn transmit(&self, transmit: &Transmit<'_>) {
        loop {
            let sent = self.socket.try_io(Interest::WRITABLE, || self.state.try_send((&self.socket).into(), transmit));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.writable().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::trace!(peer = %transmit.destination, %error, "a datagram was not sent");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

impl Peer {
    /// Whether it sent to a group.
    pub(super) fn is_to_group(&self) -> bool {
        self.local.is_some_and(|local| local.is_multicast())
    }

    /// Who it is, for lists and limits.
    pub(super) fn ip(&self) -> IpAddr {
        self.address.ip().to_canonical()
    }
}

/// As the kernel names it: a socket of IPv6 sends to what it heard.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        // A flow label would make two peers of one.
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            SocketAddr::V6(v6)
        }
        v4 @ SocketAddr::V4(_) => v4,
    }
}
