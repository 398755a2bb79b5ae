//! WebSocket frames (RFC 6455) to and from a byte buffer.
//!
//! Pure: no sockets, no allocation for a frame that is read. It does not join fragmented messages (no server
//! in this bench sends any; one is an error) and knows no extensions.

/// The longest payload that is believed; anything above means that the stream is out of step.
const MAX_PAYLOAD: u64 = 16 << 20;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Result<Self, FrameError> {
        match bits {
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xA => Ok(Self::Pong),
            other => Err(FrameError::Opcode(other)),
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }
}

/// One whole frame, its payload unmasked and still in the read buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: Opcode,
    pub(crate) payload: &'a [u8],
    /// Bytes of the buffer that this frame took, header included.
    pub(crate) used: usize,
}

/// Why a stream of frames cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    Fragmented,
    ReservedBits,
    Opcode(u8),
    TooLong(u64),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fragmented => f.write_str("fragmented websocket message"),
            Self::ReservedBits => f.write_str("websocket frame with reserved bits"),
            Self::Opcode(opcode) => write!(f, "unknown websocket opcode {opcode:#x}"),
            Self::TooLong(len) => write!(f, "websocket frame of {len} bytes"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Reads the frame at the start of `buf`, or `None` when more bytes are needed. Needing more bytes never
/// changes `buf`.
pub(crate) fn parse(buf: &mut [u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let &mut [first, second, ..] = buf else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(FrameError::ReservedBits);
    }
    if first & 0x80 == 0 || first & 0x0F == 0 {
        return Err(FrameError::Fragmented);
    }
    let opcode = Opcode::from_bits(first & 0x0F)?;

    let mut at = 2;
    let len = match second & 0x7F {
        126 => {
            let Some(bytes) = buf.get(at..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
            at += 2;
            u64::from(u16::from_be_bytes(*bytes))
        }
        127 => {
            let Some(bytes) = buf.get(at..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
            at += 8;
            u64::from_be_bytes(*bytes)
        }
        short => u64::from(short),
    };
    if len > MAX_PAYLOAD {
        return Err(FrameError::TooLong(len));
    }
    let mask: Option<[u8; 4]> = if second & 0x80 == 0 {
        None
    } else {
        let Some(mask) = buf.get(at..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
        at += 4;
        Some(*mask)
    };

    let used = at + len as usize;
    let Some(payload) = buf.get_mut(at..used) else { return Ok(None) };
    if let Some(mask) = mask {
        apply_mask(payload, mask);
    }
    Ok(Some(Frame { opcode, payload, used }))
}

/// Appends one final frame; clients must pass a mask, servers must not.
pub(crate) fn encode(out: &mut Vec<u8>, opcode: Opcode, mask: Option<[u8; 4]>, payload: &[u8]) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode.bits());
    match payload.len() {
        len @ 0..=125 => out.push(masked | len as u8),
        len @ 126..=0xFFFF => {
            out.push(masked | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(mask.as_ref().map_or(&[], |mask| mask));
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(mask) = mask {
        apply_mask(&mut out[start..], mask);
    }
}

fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let (chunks, rest) = payload.as_chunks_mut::<4>();
    for chunk in chunks {
        *chunk = (u32::from_ne_bytes(*chunk) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (Opcode, Vec<u8>);

    /// Feeds `bytes` in pieces of the given sizes, as a socket would, and collects the frames.
    fn read_in_pieces(bytes: &[u8], pieces: &[usize]) -> Vec<Owned> {
        let mut frames = Vec::new();
        let mut buffer = Vec::new();
        let mut rest = bytes;
        let mut sizes = pieces.iter().copied().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
            buffer.extend_from_slice(piece);
            rest = after;
            let mut at = 0;
            while let Some(frame) = parse(&mut buffer[at..]).unwrap() {
                frames.push((frame.opcode, frame.payload.to_vec()));
                at += frame.used;
            }
            buffer.drain(..at);
        }
        assert!(buffer.is_empty(), "no bytes may be left over");
        frames
    }

    fn any_frame() -> impl Strategy<Value = Owned> {
        let data = prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 0..300),
            // Around the borders of the 16-bit and the 64-bit length.
            1 => (125usize..=127).prop_map(|len| vec![7; len]),
            1 => (65_534usize..=65_538).prop_map(|len| vec![9; len]),
        ];
        let control = prop::collection::vec(any::<u8>(), 0..=125);
        prop_oneof![
            4 => data.prop_map(|payload| (Opcode::Text, payload)),
            1 => control.clone().prop_map(|payload| (Opcode::Ping, payload)),
            1 => control.clone().prop_map(|payload| (Opcode::Pong, payload)),
            1 => control.prop_map(|payload| (Opcode::Close, payload)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn whatever_is_encoded_is_read_back_in_any_pieces(
            frames in prop::collection::vec((any_frame(), any::<Option<[u8; 4]>>()), 1..8),
            pieces in prop::collection::vec(1usize..5_000, 1..6),
        ) {
            let mut bytes = Vec::new();
            for ((opcode, payload), mask) in &frames {
                encode(&mut bytes, *opcode, *mask, payload);
            }
            let expected: Vec<Owned> = frames.into_iter().map(|(frame, _)| frame).collect();
            prop_assert_eq!(read_in_pieces(&bytes, &pieces), expected);
        }

        #[test]
        fn any_bytes_are_refused_or_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let len = bytes.len();
            if let Ok(Some(frame)) = parse(&mut bytes) {
                prop_assert!(frame.used <= len);
            }
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let mut unmasked = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let frame = parse(&mut unmasked).unwrap().unwrap();
        assert_eq!(frame, Frame { opcode: Opcode::Text, payload: b"Hello", used: 7 });

        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let mut out = Vec::new();
        encode(&mut out, Opcode::Text, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
        assert_eq!(out, masked);
        assert_eq!(parse(&mut out).unwrap().unwrap().payload, b"Hello");
    }

    #[test]
    fn a_control_frame_between_two_texts_is_seen_in_its_place() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Opcode::Text, None, &[b'a'; 200]);
        encode(&mut bytes, Opcode::Ping, None, b"still there?");
        encode(&mut bytes, Opcode::Text, None, &[b'b'; 70_000]);
        let opcodes: Vec<Opcode> =
            read_in_pieces(&bytes, &[1_000]).into_iter().map(|frame| frame.0).collect();
        assert_eq!(opcodes, [Opcode::Text, Opcode::Ping, Opcode::Text]);
    }

    #[test]
    fn what_this_bench_does_not_speak_is_an_error() {
        assert_eq!(parse(&mut [0x01, 0x00]), Err(FrameError::Fragmented));
        assert_eq!(parse(&mut [0x80, 0x00]), Err(FrameError::Fragmented));
        assert_eq!(parse(&mut [0xC1, 0x00]), Err(FrameError::ReservedBits));
        assert_eq!(parse(&mut [0x83, 0x00]), Err(FrameError::Opcode(3)));
        let mut huge = vec![0x82, 127];
        huge.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(parse(&mut huge), Err(FrameError::TooLong(u64::MAX)));
    }
}
