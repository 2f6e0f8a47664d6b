// The normal numbers of numpy.random.default_rng (SeedSequence, PCG64, ziggurat): the draws of a trial are Python's.

// numbers held as base64, eight bytes each
function floats(text) {
  return new Float64Array(Uint8Array.from(atob(text), sign => sign.charCodeAt(0)).buffer);
}

// zlib.crc32 of a name
function crc32(name) {
  let crc = -1;
  new TextEncoder().encode(name).forEach(byte => {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) { crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0); }
  });
  return ~crc >>> 0;
}

// SeedSequence(entropy).generate_state(8): eight words of 32 bits
function seedWords(entropy) {
  const pool = new Uint32Array(4);
  let key = 0x43b0d7e5;
  function hashed(value) {
    value = (value ^ key) >>> 0;
    key = Math.imul(key, 0x931e8875) >>> 0;
    value = Math.imul(value, key) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  }
  function mixed(x, y) {
    const value = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  }
  for (let i = 0; i < 4; i++) { pool[i] = hashed(i < entropy.length ? entropy[i] : 0); }
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) { if (from !== to) { pool[to] = mixed(pool[to], hashed(pool[from])); } }
  }
  for (let from = 4; from < entropy.length; from++) {
    for (let to = 0; to < 4; to++) { pool[to] = mixed(pool[to], hashed(entropy[from])); }
  }
  const words = new Uint32Array(8);
  let last = 0x8b51f9dd;
  for (let i = 0; i < 8; i++) {
    let value = (pool[i % 4] ^ last) >>> 0;
    last = Math.imul(last, 0x58f38ded) >>> 0;
    value = Math.imul(value, last) >>> 0;
    words[i] = (value ^ (value >>> 16)) >>> 0;
  }
  return words;
}

// where the strips of the ziggurat end (Marsaglia and Tsang 2000), worked out with 60 digits: the recurrence loses half
// of those of a float. The first is the base, its tail included
const STRIPS = floats("gtkVeDtJD0BI9/3jC43LP9xbLDyvUNI/gjtEOLl81T8opy/o/AHYP9bQTC4MI9o/EWI4L00A3D+KcnRaL6zdP9nVTC1IMt8/uLuOJzJN4D9NXQI7BfXgP4A2QZemkuE//Rp6j6In4j+I2GM4LrXiP/2RV8A/POM/N7GiwZ694z9dm/+N7znkP7D+PTa7seQ/fNMaYnUl5T+ezgengJXlP/N+2c8xAuY/RnyjYdJr5j95BQCSotLmP7D4RtPaNuc/gCqzEK2Y5z9L9UatRfjnP38KQ1PMVeg/oXZ7nmSx6D+gz06pLgvpP/IeLIJHY+k/TsU4jsm56T8zp6TczA7qP2HNd21nYuo/OBYQbq206j+jbBNtsQXrPzB6QoeEVes/Qp9Sjjak6z86gr8q1vHrP/lOWflwPuw/ZzsypROK7D+RJnL+ydTsP023gA6fHu0/FR/kKZ1n7T/JuCMAzq/tP1h28ak69+0/BO7Stes97j8Fb3oz6YPuP9OC+b06ye4/K2LwhOcN7z+N9thU9lHvP7TXh55tle8/si76fVPY7z/vNELgVg3wP56POfVALvA/AKYWnupO8D8UoHJbVm/wPw/0cZCGj/A/F2G8hH2v8D+DzEtmPc/wP28IFkvI7vA/8RWVMiAO8T/CDzEHRy3xP0SRjp8+TPE/ISDEvwhr8T832ngap4nxP4tt7lEbqPE/zyr4+GbG8T8x1OCTi+TxP6OgQJmKAvI/7MbEcmUg8j8iw+l9HT7yP/9rqQy0W/I/gtMdZip58j8d1xnHgZbyP9wuuGK7s/I/VrjhYtjQ8j+Rqcvo2e3yP9pIbg3BCvM/NLn04Y4n8z+kXiZwRETzP9hSyrriYPM/bVgFvmp98z9nsrJv3ZnzPwY9uL87tvM/4x1WmIbS8z+GWnLevu7zP3ae4HHlCvQ/X3SmLfsm9D+mMDzoAEP0P1/HynP3XvQ/OMNmnt969D8wj0gyupb0P15BAvaHsvQ/3RGzrEnO9D8GpjgWAOr0P2NVXu+rBfU/XIsK8k0h9T9RZmrV5jz1P8myG053WPU/el9VDgB09T8WhQ7GgY/1P1sbJCP9qvU/P3N90XLG9T/VjC974+H1Pzlen8hP/fU/xR+jYLgY9j+ksKLoHTT2Pw0mtwSBT/Y/dJbJV+Jq9j85MbGDQob2P7SyUCmiofY/vkOz6AG99j9V0yhhYtj2P1b4YTHE8/Y/7WiL9ycP9z/IFGlRjir3P93ucNz3Rfc/IHPlNWVh9z9L9O/61nz3P5W9ushNmPc/CxSLPMqz9z/9ItvzTM/3P+jec4zW6vc/IOqGpGcG+D93hsjaACL4Pxafic6iPfg/vvXRH05Z+D/HfnpvA3X4Py/3R1/DkPg/RcAFko6s+D+dDKGrZcj4PyhqRFFJ5Pg/kbVzKToA+T9JgyjcOBz5P/4K7xJGOPk/jKIDeWJU+T/w1XC7jnD5PzMqLonLjPk/wZk/kxmp+T8u2dWMecX5PxR0byvs4fk/TtL6JnL++T+WNvk5DBv6P1/IoiG7N/o/i7sLnn9U+j+nqUpyWnH6P0AxoGRMjvo/C/GfPlar+j/Q9VrNeMj6Pzizi+G05fo/HKHDTwsD+z9cmJrwfCD7PwEM4KAKPvs/BD3OQbVb+z8oiT+5fXn7Pz335fFkl/s/biWF22u1+z+iwC5rk9P7P4OugZvc8fs/oBbsbEgQ/D8tevDl1y78Px0NbhOMTfw/BofsCGZs/D8XpuvgZov8P6yiNr2Pqvw/kNY7x+HJ/D844GgwXun8P2+PizIGCf0/Ie83ENso/T9HxjMV3kj9PyPx55YQaf0/pfvX9HOJ/T9vbiCZCar9PwxJ/PjSyv0/NC5SldHr/T8Z0kn7Bg3+P/NG6sR0Lv4/htHBmRxQ/j8j/pcvAHL+Pwm/KkshlP4/CG/3wIG2/j86pxB2I9n+P6nsAWEI/P4/IVPCijIf/z9tTbcPpEL/P2gBySBfZv8/gpeJBGaK/z+/InEYu67/P4bnL9Jg0/8/C/YYwVn4/z91oNNH1A4AQEfJjwKoIQBAqwKpg6k0AEDH9T5O2kcAQH6zrfY7WwBAaSanI9BuAEAYLmOPmIIAQFWi6AiXlgBAxcBxdc2qAEBJ1O7RPb8AQDI9qjTq0wBAlGURz9ToAEC4n6bv//0AQENwIARuEwFAN127myEpAUBvCcRpHT8BQD0uYEhkVQFA9e6dO/lrAUBiEtJ034IBQK3rTlYamgFAjy9/d62xAUCVpnGpnMkBQDqu5Pvr4QFAAdniwp/6AUCCzASdvBMCQO/Tb3pHLQJAJZyspEVHAkDgWHbHvGECQC5ZqPqyfAJAeA53zS6YAkBTCipTN7QCQJjbljHU0AJA9XipsQ3uAkDurlbS7AsDQKOkaF57KgNAoxKuBcRJA0BAqDN60mkDQApBVpKzigNA+4iucHWsA0CmBBezJ88DQHX0YKrb8gNA2+W5nKQXBECUXlQVmD0EQBY6p0TOZARAvUOcdWKNBEAoWmudc7cEQAOJzQ0l4wRAQqzpU58QBUBDfjpSEUAFQBzkSqmxcQVA2o1xi8ClBUD+0DokitwFQEsehs9pFgZA6moAe85TBkDC5Z++QJUGQDHiCY1r2wZAM3pf8CgnB0ByBglWlXkHQIvO1vQt1AdAM/IpBQM5CEAUfKq/D6sIQJZEb5TgLglAq1dAAe7LCUBZd5R43I8KQLD9eDgfmAtAM60JgrQ7DUA=");
const ZIGGURAT = (function () {
  const law = x => Math.exp(-0.5 * x * x), top = Math.pow(2, 52), last = STRIPS[255];
  const within = STRIPS.map((x, i) => i ? (i > 1 ? STRIPS[i - 1] : 0) / x * top : last / x * top);
  return { within, last, width: STRIPS.map(x => x / top), height: STRIPS.map((x, i) => i ? law(x) : 1) };
})();

// PCG64: 128 bits of state in four words, the low one first, then the four of the stream and the two drawn.
// In an array: numbers over 31 bits that functions share would each be allocated
const PCG = new Uint32Array(10);

function pcgStep(s) {
  // the multiplier 0x2360ed051fc65da44385df649fccf645
  const m0 = 0x9fccf645, m1 = 0x4385df64, m2 = 0x1fc65da4, m3 = 0x2360ed05, part = 1 / 4294967296;
  const s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
  // a product of two words is not exact as a float, but its high word is, once the low one is taken away
  const l00 = Math.imul(s0, m0) >>> 0, l01 = Math.imul(s0, m1) >>> 0, l10 = Math.imul(s1, m0) >>> 0;
  const l02 = Math.imul(s0, m2) >>> 0, l11 = Math.imul(s1, m1) >>> 0, l20 = Math.imul(s2, m0) >>> 0;
  const h00 = ((s0 * m0 - l00) * part + 0.5) >>> 0, h01 = ((s0 * m1 - l01) * part + 0.5) >>> 0;
  const h10 = ((s1 * m0 - l10) * part + 0.5) >>> 0, h02 = ((s0 * m2 - l02) * part + 0.5) >>> 0;
  const h11 = ((s1 * m1 - l11) * part + 0.5) >>> 0, h20 = ((s2 * m0 - l20) * part + 0.5) >>> 0;
  const r0 = l00 + s[4], r1 = h00 + l01 + l10 + s[5] + (r0 > 4294967295 ? 1 : 0);
  const r2 = h01 + h10 + l02 + l11 + l20 + s[6] + ((r1 * part) >>> 0);
  const low = (Math.imul(s0, m3) + Math.imul(s1, m2) + Math.imul(s2, m1) + Math.imul(s3, m0)) >>> 0;
  s[0] = r0; s[1] = r1; s[2] = r2; s[3] = h02 + h11 + h20 + low + s[7] + ((r2 * part) >>> 0);
}
function pcgNext(s) {
  pcgStep(s);
  const a = s[3] ^ s[1], b = s[2] ^ s[0], turn = s[3] >>> 26, by = turn & 31;
  const high = turn & 32 ? b : a, low = turn & 32 ? a : b;
  s[8] = by ? high >>> by | low << 32 - by : high;
  s[9] = by ? low >>> by | high << 32 - by : low;
}
function uniform(s) { pcgNext(s); return (s[8] * 2097152 + (s[9] >>> 11)) / 9007199254740992; }
function pcgSeed(s, w) {
  // 2 x stream + 1; then words 2 and 3 are the low half of the state, words 0 and 1 the high one
  s.set([0, 0, 0, 0, w[6] << 1 | 1, w[7] << 1 | w[6] >>> 31, w[4] << 1 | w[7] >>> 31, w[5] << 1 | w[4] >>> 31]);
  pcgStep(s);
  let over = 0;
  [w[2], w[3], w[0], w[1]].forEach((word, i) => {
    const sum = s[i] + word + over;
    s[i] = sum; over = sum > 4294967295 ? 1 : 0;
  });
  pcgStep(s);
}

function normals(entropy, count) {
  const { within, width, height, last } = ZIGGURAT, found = new Float64Array(count), s = PCG;
  pcgSeed(s, seedWords(entropy));
  for (let n = 0; n < count;) {
    pcgNext(s);
    const low = s[9], strip = low & 255, size = (low >>> 9) + (s[8] & 0x1fffffff) * 8388608;
    const x = size * width[strip], signed = low & 256 ? -x : x;
    if (size < within[strip]) { found[n++] = signed; continue; }
    if (strip) {
      if ((height[strip - 1] - height[strip]) * uniform(s) + height[strip] < Math.exp(-0.5 * x * x)) { found[n++] = signed; }
      continue;
    }
    let far, over;
    do { far = -Math.log1p(-uniform(s)) / last; over = -Math.log1p(-uniform(s)); } while (over + over <= far * far);
    // bit 8 of the size
    found[n++] = (low >>> 17) & 1 ? -(last + far) : last + far;
  }
  return found;
}
