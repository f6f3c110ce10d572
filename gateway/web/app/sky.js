/**
 * Evening sky, and fog that has the colour of the sky behind it, so that distant
 * things melt into it on the sunny side as on the dark one.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

/** Direction to the sun: low in the north, left of the stage. */
export const SUN = new THREE.Vector3(-0.43, 0.14, -0.89).normalize();

/** GLSL: colour of the sky in a direction (linear, before tone mapping), without stars and clouds. */
export const SKY_GLSL = /* glsl */ `
const vec3 SUN_DIR = vec3(${SUN.toArray().map((v) => v.toFixed(4)).join(', ')});
vec3 skyColor(vec3 d) {
  float h = max(d.y, 0.0);
  float side = dot(normalize(d.xz + vec2(1e-5)), normalize(SUN_DIR.xz)) * 0.5 + 0.5;
  float warm = side * side;
  vec3 horizon = mix(vec3(0.30, 0.21, 0.36), vec3(1.25, 0.60, 0.24), warm);
  vec3 low = mix(vec3(0.13, 0.14, 0.34), vec3(0.56, 0.23, 0.24), warm);
  vec3 mid = mix(vec3(0.045, 0.080, 0.260), vec3(0.095, 0.092, 0.290), warm);
  vec3 zenith = vec3(0.014, 0.036, 0.150);
  vec3 c = mix(horizon, low, smoothstep(0.0, 0.12, h));
  c = mix(c, mid, smoothstep(0.06, 0.32, h));
  c = mix(c, zenith, smoothstep(0.26, 0.85, h));
  float s = max(dot(d, SUN_DIR), 0.0);
  c += vec3(1.0, 0.42, 0.14) * (pow(s, 7.0) * 0.20 + pow(s, 60.0) * 0.50);
  return c;
}`;

const FRAGMENT = /* glsl */ `
varying vec3 vDirection;
uniform float time;
${SKY_GLSL}
float hash(vec2 p) { return fract(sin(dot(p, vec2(127.1, 311.7))) * 43758.5453); }
float noise(vec2 p) {
  vec2 i = floor(p), f = fract(p);
  f = f * f * (3.0 - 2.0 * f);
  return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}
void main() {
  vec3 d = normalize(vDirection);
  vec3 c = skyColor(d);
  float s = max(dot(d, SUN_DIR), 0.0);
  c += vec3(3.2, 1.9, 0.8) * smoothstep(0.99962, 0.99978, s);
  if (d.y > 0.015) {
    vec2 p = d.xz / (d.y + 0.12);
    vec2 q = p * vec2(0.55, 1.25) + vec2(time * 0.006, 0.0);
    float n = noise(q) * 0.55 + noise(q * 2.1 + 7.3) * 0.3 + noise(q * 4.3) * 0.15;
    float cloud = smoothstep(0.5, 0.82, n) * smoothstep(0.015, 0.14, d.y) * (1.0 - smoothstep(0.45, 0.8, d.y));
    vec3 lit = mix(vec3(0.26, 0.18, 0.36), vec3(1.25, 0.50, 0.30), pow(s, 3.0));
    c = mix(c, lit, cloud * 0.42);
    vec2 at = d.xz / (d.y + 0.4) * 90.0, cell = floor(at);
    float star = step(0.9965, hash(cell)) * smoothstep(0.2, 0.06, length(fract(at) - 0.5)) * smoothstep(0.25, 0.7, d.y) * (1.0 - cloud);
    c += vec3(0.8, 0.85, 1.0) * star * (0.35 + 0.4 * hash(cell + 3.0));
  }
  gl_FragColor = vec4(c, 1.0);
  #include <tonemapping_fragment>
  #include <colorspace_fragment>
}`;

const VERTEX = /* glsl */ `
varying vec3 vDirection;
void main() {
  vDirection = mat3(modelMatrix) * position;
  gl_Position = projectionMatrix * mat4(mat3(modelViewMatrix)) * vec4(position, 1.0);
  gl_Position.z = gl_Position.w * 0.999999;
}`;

/** @returns {{mesh: THREE.Mesh, update(seconds: number): void}} */
export function createSky() {
  const material = new THREE.ShaderMaterial({
    vertexShader: VERTEX, fragmentShader: FRAGMENT,
    uniforms: { time: { value: 0 } },
    side: THREE.BackSide, depthWrite: false, fog: false,
  });
  const mesh = new THREE.Mesh(new THREE.IcosahedronGeometry(10, 4), material);
  mesh.frustumCulled = false;
  mesh.renderOrder = -1;
  return { mesh, update: (seconds) => { material.uniforms.time.value = seconds; } };
}

/** Makes every fogged material of this page fade into skyColor. Call once, before the first material is compiled. */
export function installSkyFog() {
  THREE.ShaderChunk.fog_pars_vertex = `#ifdef USE_FOG
varying vec3 vFogRay;
#endif`;
  THREE.ShaderChunk.fog_vertex = `#ifdef USE_FOG
vFogRay = mvPosition.xyz * mat3(viewMatrix);
#endif`;
  THREE.ShaderChunk.fog_pars_fragment = `#ifdef USE_FOG
uniform float fogDensity;
varying vec3 vFogRay;
${SKY_GLSL}
#endif`;
  // Tone mapping comes before fog in three's shaders, so the fog colour is mapped here as the sky's is.
  THREE.ShaderChunk.fog_fragment = `#ifdef USE_FOG
float fogLength = length(vFogRay);
vec3 fogRay = vFogRay / fogLength;
fogRay.y = abs(fogRay.y) * 0.6 + 0.02;
vec4 fogSky = vec4(skyColor(normalize(fogRay)), 1.0);
#ifdef TONE_MAPPING
fogSky.rgb = toneMapping(fogSky.rgb);
#endif
fogSky = linearToOutputTexel(fogSky);
gl_FragColor.rgb = mix(gl_FragColor.rgb, fogSky.rgb, 1.0 - exp(-fogDensity * fogDensity * fogLength * fogLength));
#endif`;
}
