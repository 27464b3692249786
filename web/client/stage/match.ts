/**
 * Twenty-two players and a ball, as much football as a backdrop needs.
 *
 * Nobody wins: each player keeps to a place in the formation, leans towards the ball, and whoever holds
 * it passes after a while; about one pass in five goes astray. Metres and seconds; the pitch is
 * 105 × 68 with the origin in the middle of the near touchline. No drawing here.
 */

export interface Player {
  readonly team: 0 | 1;
  readonly homeX: number;
  readonly homeZ: number;
  x: number;
  z: number;
  /** Where it is looking: -1 or 1. */
  facing: number;
  /** 0…1 while running, for the legs. */
  stride: number;
}

export interface Match {
  readonly players: readonly Player[];
  readonly ball: { x: number; y: number; z: number };
  step(seconds: number): void;
}

// 4-3-3 of the side that plays to the right, in metres from its own goal line.
const FORMATION: readonly (readonly [number, number])[] = [
  [5, 34],
  [20, 10],
  [16, 25],
  [16, 43],
  [20, 58],
  [38, 18],
  [33, 34],
  [38, 50],
  [58, 12],
  [62, 34],
  [58, 56],
];
const SPEED_MS = 6.5;
const PASS_MS = 19;

interface Pass {
  fromX: number;
  fromZ: number;
  to: Player;
  seconds: number;
  age: number;
  arc: number;
}

export function createMatch(random: () => number = Math.random): Match {
  const players: Player[] = ([0, 1] as const).flatMap((team) =>
    FORMATION.map(([x, z]) => {
      const side = team ? -1 : 1;
      const homeX = side * (x - 52.5);
      return { team, homeX, homeZ: z, x: homeX, z, facing: side, stride: 0 };
    }),
  );
  const ball = { x: 0, y: 0.1, z: 34 };
  let holder = players[6] as Player;
  let holdFor = 1;
  let pass: Pass | undefined;
  let time = 0;

  function nearest(team: number): Player {
    let best = players[0] as Player;
    let bestM = Number.POSITIVE_INFINITY;
    for (const player of players) {
      const metres = Math.hypot(player.x - ball.x, player.z - ball.z);
      if (player.team !== team || metres >= bestM) continue;
      best = player;
      bestM = metres;
    }
    return best;
  }

  function kick(): void {
    const team = random() < 0.2 ? 1 - holder.team : holder.team;
    const mates = players.filter((player) => {
      const metres = Math.hypot(player.x - holder.x, player.z - holder.z);
      return player.team === team && player !== holder && metres > 6 && metres < 38;
    });
    const to = mates[Math.floor(random() * mates.length)];
    if (!to) {
      holdFor = 0.5;
      return;
    }
    const metres = Math.hypot(to.x - ball.x, to.z - ball.z);
    pass = {
      fromX: ball.x,
      fromZ: ball.z,
      to,
      seconds: metres / PASS_MS + 0.15,
      age: 0,
      arc: metres > 22 ? metres * 0.16 : 0.25,
    };
  }

  function move(player: Player, index: number, chaser: Player, seconds: number): void {
    const side = player.team ? -1 : 1;
    const push = holder.team === player.team ? 7 : -4;
    let x = player.homeX * 0.86 + ball.x * 0.42 + side * push + Math.sin(time * 0.5 + index * 1.7) * 2.4;
    let z = player.homeZ + (ball.z - player.homeZ) * 0.22 + Math.cos(time * 0.4 + index * 2.3) * 2;
    if (index % 11 === 0) x = player.homeX + side * Math.max(0, (side * ball.x + 20) * 0.08);
    else if (player === holder && !pass) {
      x = player.x + side * 5;
      z = player.z + Math.sin(time + index) * 4;
    } else if (player === chaser || pass?.to === player) {
      x = ball.x - side * 0.6;
      z = ball.z + 0.5;
    }
    x = Math.max(-51, Math.min(51, x));
    z = Math.max(2, Math.min(66, z));
    const metres = Math.hypot(x - player.x, z - player.z);
    const stepM = Math.min(metres, SPEED_MS * Math.min(1, metres / 4) * seconds);
    if (metres > 0.01) {
      player.x += ((x - player.x) / metres) * stepM;
      player.z += ((z - player.z) / metres) * stepM;
    }
    if (Math.abs(x - player.x) > 0.4) player.facing = Math.sign(x - player.x);
    player.stride += (Math.min(1, metres / 3) - player.stride) * Math.min(1, seconds * 6);
  }

  return {
    players,
    ball,
    step(seconds) {
      time += seconds;
      const chaser = nearest(1 - holder.team);
      for (const [index, player] of players.entries()) move(player, index, chaser, seconds);
      if (pass) {
        pass.age += seconds;
        const t = Math.min(1, pass.age / pass.seconds);
        ball.x = pass.fromX + (pass.to.x - pass.fromX) * t;
        ball.z = pass.fromZ + (pass.to.z - pass.fromZ) * t;
        ball.y = 0.15 + 4 * pass.arc * t * (1 - t);
        if (t < 1) return;
        holder = pass.to;
        pass = undefined;
        holdFor = 0.5 + random() * 1.7;
        return;
      }
      ball.x += (holder.x + holder.facing * 0.7 - ball.x) * Math.min(1, seconds * 9);
      ball.z += (holder.z - 0.2 - ball.z) * Math.min(1, seconds * 9);
      ball.y = 0.15;
      holdFor -= seconds;
      if (holdFor < 0) kick();
    },
  };
}
